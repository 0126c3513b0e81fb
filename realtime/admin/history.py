"""The admin's pages of closed sessions, and their export."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from realtime.composition import database
from realtime.models import ClosedSession
from realtime.protocol.codes import CloseCode, reason_for, reason_of_peer

from .export import as_csv, local
from .readonly import ReadOnlyAdmin

# Codes of clients, proxies and servers, besides those of the protocol; 1001 is of both sides.
FOREIGN = {
    1001: f"{reason_for(1001)}, or {reason_of_peer(1001)}",
    1005: reason_of_peer(1005),
    1009: "frame too large",
    1011: "server failed",
}


def moment_column(name: str, label: Any) -> Callable[[Any, ClosedSession], str]:
    """A column of moments, written as on the pages of live sessions; the label is a lazy text."""

    @admin.display(description=label, ordering=name)
    def column(admin: Any, row: ClosedSession) -> str:
        return f"{local(getattr(row, name)):%Y-%m-%d %H:%M:%S}"

    return column


class CodeFilter(admin.SimpleListFilter):
    """Filter by close code. Lists the known codes: a query for those in the table would be slow."""

    title = _("close code")
    parameter_name = "code"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        words = {**{code.value: code.reason for code in CloseCode}, **FOREIGN}
        return [(str(code), f"{code} {words[code]}") for code in sorted(words)]

    def queryset(
        self, request: HttpRequest, queryset: "QuerySet[ClosedSession]"
    ) -> "QuerySet[ClosedSession]":
        value = self.value()
        if value is None:
            return queryset
        # An application's own codes are not listed, but the URL may have them.
        is_code = value.isdecimal() and len(value) <= 5
        return queryset.filter(code=int(value)) if is_code else queryset.none()


@admin.register(ClosedSession)
class ClosedSessionAdmin(ReadOnlyAdmin):
    """Read-only. There is no search by session id: it would appear in the URL."""

    # Code and reason come first: a small screen cuts off columns on the right.
    list_display = ["closed", "code", "why", "who", "lasted", "resumes", "address", "opened"]
    list_filter = ["closed_at", CodeFilter]
    search_fields = ["username__exact", "user__exact", "address__exact"]
    search_help_text = _("The exact name or ID of a user, or an exact address.")
    list_per_page = 50
    show_full_result_count = False
    actions = None

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["realtime/admin.css"]}

    opened = moment_column("opened_at", _("opened at"))
    seen = moment_column("last_seen", _("last seen"))
    closed = moment_column("closed_at", _("closed at"))

    @admin.display(description=_("user"))
    def who(self, row: ClosedSession) -> str:
        return row.username or row.user or str(_("anonymous"))

    @admin.display(description=_("lasted"), ordering="duration")
    def lasted(self, row: ClosedSession) -> str:
        return duration_text(row.duration)

    @admin.display(description=_("reason"))
    def why(self, row: ClosedSession) -> str:
        return row.reason

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ClosedSession]":
        return super().get_queryset(request).using(database().alias)

    # ------------------------------------------------------------ export

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export_view)
        own = path("export/", export, name="realtime_closedsession_export")
        return [own, *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """All rows of the list with the same filters, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:  # the URL was edited by hand
            return redirect(self._url("changelist"))
        day = local(timezone.now()).date().isoformat()
        return as_csv(request, rows, f"closed-sessions-{day}.csv")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        url = self._url("export")
        query = request.GET.copy()
        for name in ("p", "o", "all"):  # position and order, not filters
            query.pop(name, None)
        export = f"{url}?{query.urlencode()}" if query else url
        return super().changelist_view(request, {**(extra_context or {}), "export_url": export})

    def _url(self, name: str) -> str:
        # A project may have several admin sites.
        site = self.admin_site.name
        return reverse(f"admin:realtime_closedsession_{name}", current_app=site)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        columns = {"opened_at": "opened", "last_seen": "seen", "closed_at": "closed", "id": ""}
        names = [columns.get(field.name, field.name) for field in ClosedSession._meta.fields]
        return [name for name in names if name]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_readonly_fields(request, obj)


def duration_text(seconds: float) -> str:
    """A duration as text: ``3:02:01`` or ``0:12``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
