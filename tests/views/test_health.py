"""The health view: for anybody, for staff, and when the store does not answer."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.base import BaseHandler
from django.db import OperationalError, connections
from django.test import AsyncClient, Client, RequestFactory

from realtime import composition
from realtime.protocol.codes import CloseCode
from realtime.store.contract import StoreUnavailable
from realtime.store.records import (
    Deliveries,
    Departure,
    Opening,
    Peer,
    SessionUpdate,
    Stats,
    SweepReport,
    Totals,
    WorkerReport,
)
from realtime.views import health as module
from realtime.views.pages import _for_staff, health
from realtime.worker import instances
from realtime.worker.runtime import Runtime

URL = "/realtime/health/"
TOTALS = ("pings", "pongs", "timeouts", "published", "delivered", "replayed", "skipped")
NOTHING = Stats(0, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture(autouse=True)
def forget_counts() -> Iterator[None]:
    """Start each test without the counts of the one before."""
    module._last.stats, module._last.at = NOTHING, float("-inf")
    yield
    module._last.stats, module._last.at = NOTHING, float("-inf")


def open_sessions(number: int, *, user: str = "1") -> None:
    store = composition.blocking_store()
    for index in range(number):
        peer = Peer(user=user, username="ada", address="192.0.2.1", login="digest")
        store.open(Opening(f"{user}-{index:04}", "token-hash", f"c{index}", "w1", peer))


def update(session: str, missed: int) -> SessionUpdate:
    return SessionUpdate(session, 1, 12.5, missed, "visible", Totals(pings=3, pongs=2))


def get(client: Client, query: str = "") -> dict[str, Any]:
    module._last.at = float("-inf")
    response = client.get(URL + query)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    body: dict[str, Any] = response.json()
    return body


def staff(*permissions: str, is_staff: bool = True) -> Client:
    user = User.objects.create_user("grace", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


# ---------------------------------------------------------------- counts


@pytest.mark.django_db(transaction=True)
def test_an_empty_store_has_zero_counts_for_the_public() -> None:
    assert get(Client()) == {
        "status": "ok",
        "total_connections": 0,
        "total_users": 0,
        "healthy": 0,
        "unhealthy": 0,
        "suspended": 0,
        "workers": 0,
        "totals": dict.fromkeys(TOTALS, 0),
        "refused": {},
        "failing": {},
        "last_sweep": None,
    }


@pytest.mark.django_db(transaction=True)
def test_connected_sessions_are_counted_and_those_with_misses_are_unhealthy() -> None:
    open_sessions(3)
    open_sessions(1, user="2")
    store = composition.blocking_store()
    counts: dict[str, Any] = {"pings": 10, "pongs": 8, "timeouts": 1}
    report = WorkerReport("w1", "host", 1, 4, **counts, deliveries=Deliveries(2, 30, 4, 5))
    store.beat(report, [update("1-0000", missed=1)])
    departure = Departure(update("1-0001", missed=0), CloseCode.LOST, "")
    store.suspend("w1", [departure])
    body = get(Client())
    assert (body["total_connections"], body["total_users"]) == (3, 2)
    assert (body["healthy"], body["unhealthy"], body["suspended"]) == (2, 1, 1)
    assert body["workers"] == 1
    assert body["totals"] == dict(zip(TOTALS, (10, 8, 1, 2, 30, 4, 5), strict=True))


@pytest.mark.django_db(transaction=True)
def test_the_last_sweep_is_shown() -> None:
    composition.blocking_store().note_sweep(SweepReport(1, 2, 3, 4, took_ms=5.5))
    last = get(Client())["last_sweep"]
    assert {"suspended": 1, "closed": 2, "workers_lost": 3, "took_ms": 5.5}.items() <= last.items()
    assert abs(last["at"] / 1000 - time.time()) < 60


@pytest.mark.django_db(transaction=True)
def test_counts_are_reused_for_a_second() -> None:
    get(Client())
    open_sessions(1)
    assert Client().get(URL).json()["total_connections"] == 0
    assert get(Client())["total_connections"] == 1


# ---------------------------------------------------------------- connections


@pytest.mark.django_db(transaction=True)
def test_only_staff_see_connections() -> None:
    open_sessions(1)
    unstaffed = staff("view_livesession", is_staff=False)
    assert "connections" not in get(Client())
    assert "connections" not in get(unstaffed)


@pytest.mark.django_db(transaction=True)
def test_staff_without_the_permission_see_none() -> None:
    open_sessions(1)
    assert "connections" not in get(staff("view_closedsession"))


@pytest.mark.django_db(transaction=True)
def test_staff_with_the_permission_see_them_without_secrets() -> None:
    open_sessions(1)
    body = get(staff("view_livesession"))
    (connection,) = body["connections"]
    expected = {"id": "1-0000", "user": "1", "state": "connected", "worker": "w1"}
    assert expected.items() <= connection.items()
    assert (connection["address"], connection["missed"]) == ("192.0.2.1", 0)
    assert body["next_cursor"] is None
    assert not {"token-hash", "digest"} & set(map(str, connection.values()))


@pytest.mark.django_db(transaction=True)
def test_connections_come_in_pages() -> None:
    open_sessions(101)
    client = staff("view_livesession")
    first = get(client)
    assert len(first["connections"]) == 100
    second = get(client, f"?cursor={first['next_cursor']}")
    assert (len(second["connections"]), second["next_cursor"]) == (1, None)
    ids = {row["id"] for page in (first, second) for row in page["connections"]}
    assert len(ids) == 101


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cursor", ["nonsense", "%00", "x.y"])
def test_an_unknown_cursor_starts_from_the_beginning(cursor: str) -> None:
    open_sessions(1)
    assert len(get(staff("view_livesession"), f"?cursor={cursor}")["connections"]) == 1


def test_a_user_model_without_staff_has_none() -> None:
    class Visitor:
        """A user without ``is_staff``."""

    request = RequestFactory().get(URL)
    request.user = Visitor()  # type: ignore[assignment]
    assert _for_staff(request) is None


# ---------------------------------------------------------------- HEALTH_DETAILS


@pytest.mark.django_db(transaction=True)
def test_a_site_that_demands_logins_everywhere_has_it_and_the_admin(settings: Any) -> None:
    everywhere = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, everywhere]
    assert get(Client())["status"] == "ok"
    page = "/admin/realtime/livesession/"
    assert Client().get(page).status_code == 302
    User.objects.create_superuser("root", password="x")
    browser = Client()
    browser.force_login(User.objects.get())
    assert browser.get(page).status_code == 200


@pytest.fixture
def private(settings: Any) -> None:
    settings.REALTIME = {"HEALTH_DETAILS": "staff"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("private")
def test_the_public_sees_only_the_status() -> None:
    assert get(Client()) == {"status": "ok"}
    assert get(Client(), "?cursor=x") == {"status": "ok"}
    assert get(staff("view_livesession", is_staff=False)) == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("private")
def test_staff_see_all_of_it() -> None:
    open_sessions(1)
    body = get(staff())
    assert (body["total_connections"], body["workers"], body["failing"]) == (1, 0, {})
    assert "connections" not in body
    User.objects.all().delete()
    assert len(get(staff("view_livesession"))["connections"]) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("private")
def test_an_unknown_user_is_the_public(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise OperationalError("down")

    client = staff("view_livesession")
    monkeypatch.setattr(SessionStore, "load", fail)
    assert get(client) == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("private")
def test_staff_see_the_counts_during_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("down")

    client = staff("view_livesession")
    monkeypatch.setattr(type(composition.blocking_store()), "page", down)
    body = get(client)
    assert "total_connections" in body
    assert "connections" not in body


# ---------------------------------------------------------------- failures


@pytest.mark.django_db(transaction=True)
def test_the_public_sees_what_fails_without_the_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = {"store": 'connection to server at "10.0.0.7", user "app"'}
    monkeypatch.setattr(module, "_failing", lambda: words)
    assert get(Client())["failing"] == {"store": "the log says why"}
    assert get(staff("view_livesession", is_staff=False))["failing"] == {
        "store": "the log says why"
    }
    User.objects.all().delete()
    assert get(staff())["failing"] == words


def test_the_view_runs_with_atomic_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    view: Any = health
    assert BaseHandler().make_view_atomic(view) is view


@pytest.mark.django_db(transaction=True)
def test_an_unreadable_session_hides_only_the_staff_s_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Any) -> None:
        raise OperationalError("down")

    client = staff("view_livesession")
    monkeypatch.setattr(SessionStore, "load", fail)
    body = get(client)
    assert body["status"] == "ok"
    assert "connections" not in body


@pytest.fixture
async def worker(transactional_db: None, settings: Any) -> AsyncIterator[Runtime]:
    settings.REALTIME = {"FLUSH_INTERVAL": 3600.0, "LEASE": 36000.0, "SWEEP_INTERVAL": 0}
    worker = await instances.start()
    yield worker
    await worker.stop()


async def aget() -> dict[str, Any]:
    client = AsyncClient()
    client.cookies[settings.SESSION_COOKIE_NAME] = "unknown"
    response: Any = await client.get(URL)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


async def test_in_a_worker_the_counts_are_those_of_its_store(worker: Runtime) -> None:
    body = await aget()
    assert (body["status"], body["workers"]) == ("ok", 1)


async def test_a_draining_worker_has_the_status_draining(worker: Runtime) -> None:
    worker.draining = True
    assert (await aget())["status"] == "draining"


async def test_with_failing_beats_the_status_is_degraded(worker: Runtime) -> None:
    worker.beats.healthy = False
    assert (await aget())["status"] == "degraded"


async def test_one_degraded_worker_of_several_degrades_the_process(worker: Runtime) -> None:
    """Each worker has an event loop and a thread of its own."""
    with ThreadPoolExecutor(1) as thread, asyncio.Runner() as runner:
        other = await asyncio.wrap_future(thread.submit(runner.run, instances.start()))
        statuses = []
        for healthy in (True, False, True):
            other.beats.healthy = healthy
            statuses.append((await aget())["status"])
        await asyncio.wrap_future(thread.submit(runner.run, other.stop()))
        thread.submit(runner.close).result()
    assert statuses == ["ok", "degraded", "ok"]
    assert instances.running() == [worker]


async def test_during_an_outage_the_last_known_counts_are_shown(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down() -> Stats:
        raise StoreUnavailable("down")

    module._last.stats = Stats(7, 5, 6, 1, 2, 3, 10, 9, 1)
    monkeypatch.setattr(module, "_read_stats", down)
    body = await aget()
    assert (body["status"], body["total_connections"], body["workers"]) == ("degraded", 7, 3)


@pytest.fixture
def hung(worker: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that does not answer until the test is over."""
    go_on = threading.Event()

    async def counts() -> Stats:
        await asyncio.to_thread(go_on.wait, 30)
        return NOTHING

    monkeypatch.setattr(module, "_read_stats", counts)
    # Loads the user of the request, in a thread.
    monkeypatch.setattr(SessionStore, "load", lambda _: go_on.wait(30) and {})
    yield
    go_on.set()


@pytest.mark.parametrize("draining", [False, True])
@pytest.mark.usefixtures("hung")
async def test_with_a_hung_store_it_answers_within_two_seconds(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch, draining: bool
) -> None:
    module._last.stats = Stats(7, 5, 6, 1, 2, 3, 10, 9, 1)
    worker.draining = draining
    began = time.monotonic()
    body = await aget()
    assert time.monotonic() - began < 2.0
    assert (body["status"], body["total_connections"]) == (
        "draining" if draining else "degraded",
        7,
    )
