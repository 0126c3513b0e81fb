"""The list of live sessions: its URL parameters, and the data that it shows."""

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from realtime.common.datetimes import to_datetime
from realtime.store.contract import BlockingStore
from realtime.store.records import (
    Order,
    Page,
    Query,
    SessionState,
    Stats,
    StatsSample,
    WorkerReport,
)
from realtime.views.serializers import as_row

PAGE = 50

SEARCHES = {
    "username": _("User name, exactly"),
    "user": _("User ID, exactly"),
    "address": _("Address, exactly"),
    "session": _("Session, how it begins"),
    "room": _("Room, exactly"),
}
STATES = {
    SessionState.CONNECTED.value: _("connected"),
    SessionState.SUSPENDED.value: _("suspended"),
}
# The directions of the columns that sort the list, as values of ``aria-sort``.
SORTED = {Order.STARTED.value: "descending", Order.LAST_BEAT.value: "ascending"}


@dataclass(frozen=True, slots=True)
class ListParams:
    """The parameters of the list's URL; unknown values count as absent."""

    by: str = "username"
    q: str = ""
    state: str = ""
    worker: str = ""
    order: str = Order.STARTED.value
    cursor: str = ""

    @classmethod
    def of(cls, data: Mapping[str, str]) -> "ListParams":
        """Parse a query string or a form."""
        known: dict[str, Container[str]] = {"by": SEARCHES, "state": STATES, "order": SORTED}
        given = {field.name: _clean(data.get(field.name, "")) for field in fields(cls)}
        return cls(**{k: v for k, v in given.items() if v and v in known.get(k, (v,))})

    @property
    def narrowed(self) -> bool:
        """Whether the parameters filter sessions."""
        return bool(self.q or self.state or self.worker)

    def url(self, **changes: str) -> str:
        """A URL query with some parameters changed, for the first page."""
        params = asdict(replace(self, **{"cursor": "", **changes}))
        if not params["q"]:
            params["by"] = ""
        default = {"order": Order.STARTED.value}
        return "?" + urlencode({k: v for k, v in params.items() if v and v != default.get(k)})

    def query(self) -> Query | None:
        """The store's query for these parameters; None if no user has the name searched for."""
        by = {"username": "user", "session": "prefix"}.get(self.by, self.by)
        text = _key_of(self.q) if self.q and self.by == "username" else self.q
        if text is None:
            return None
        state = SessionState(self.state) if self.state else None
        search: dict[str, Any] = {by: text}
        return Query(**search, state=state, worker=self.worker, order=Order(self.order))


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:255]


def _key_of(username: str) -> str | None:
    """The key by which stores know a user, which does not change with the name; the lowest one
    where several users have this name. None if no user has it."""
    model = get_user_model()
    try:
        named = model._default_manager.filter(**{model.USERNAME_FIELD: username})
        key: object = named.order_by("pk").values_list("pk", flat=True).first()
    except (ValueError, ValidationError):  # a text that this field cannot hold
        return None
    return None if key is None else str(key)


def overview(store: BlockingStore, params: ListParams, *, after: int) -> dict[str, Any]:
    """The live parts' context, with samples ``after`` this epoch ms. Raises StoreUnavailable."""
    stats = store.stats()
    workers = store.workers()
    page = _page(store, params)
    names = names_of(workers)
    return {
        "as_of": timezone.now(),
        "stats": stats,
        "tiles": _tiles(stats),
        "sweep": stats.last_sweep,
        "swept_at": to_datetime(stats.last_sweep.at) if stats.last_sweep else None,
        "rows": [as_row(session, names) for session in page.sessions],
        "next_url": params.url(cursor=page.cursor) if page.cursor else "",
        "workers": [(worker.id, names[worker.id]) for worker in workers],
        "points": points(store.samples(after=after), stats),
    }


def _page(store: BlockingStore, params: ListParams) -> Page:
    query = params.query()
    if query is None:
        return Page(())
    try:
        return store.page(query, limit=PAGE, cursor=params.cursor)
    except ValueError:  # an unknown cursor: the first page
        return store.page(query, limit=PAGE)


def names_of(workers: tuple[WorkerReport, ...]) -> dict[str, str]:
    """The names of workers by id: host and process id."""
    return {worker.id: f"{worker.host}:{worker.pid}" for worker in workers}


def points(samples: tuple[StatsSample, ...], stats: Stats) -> dict[str, Any]:
    """The chart's points: those of the samples, and the present one."""
    now = StatsSample(
        round(timezone.now().timestamp() * 1000),
        stats.connected,
        stats.suspended,
        stats.latency_p50,
        stats.latency_p95,
    )
    return {"samples": [_point(sample) for sample in samples], "now": _point(now)}


def _point(sample: StatsSample) -> list[float | None]:
    return [getattr(sample, name) for name in StatsSample.__struct_fields__]


def _tiles(stats: Stats) -> list[dict[str, Any]]:
    """The totals, the most telling ones first; ``alarm`` marks signs of a failure."""
    return [
        _tile("connected", _("Sessions"), stats.connected),
        _tile("users", _("Users"), stats.users),
        _tile("healthy", _("Healthy"), stats.healthy),
        _tile("unstable", _("Unstable"), stats.unhealthy, alarm=stats.unhealthy > 0),
        _tile("suspended", _("Suspended"), stats.suspended),
        _tile("workers", _("Workers"), stats.workers, alarm=stats.workers == 0),
        _tile("timeouts", _("Timeouts, all time"), stats.timeouts),
        _tile("latency_p50", _("Latency, median"), stats.latency_p50, unit="ms"),
        _tile("latency_p95", _("Latency, 95th percentile"), stats.latency_p95, unit="ms"),
        _tile("published", _("Published, all time"), stats.deliveries.published),
        _tile("delivered", _("Delivered, all time"), stats.deliveries.delivered),
        _tile("replayed", _("Replayed, all time"), stats.deliveries.replayed),
        _tile("skipped", _("Skipped, all time"), stats.deliveries.skipped),
    ]


def _tile(name: str, label: Any, value: float | None, **rest: Any) -> dict[str, Any]:
    return {"name": name, "label": label, "value": value, **rest}
