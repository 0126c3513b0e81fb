"""The admin's pages of live sessions: a list that updates itself, a page for each, disconnecting.

The data comes from the store. No URL contains a session id: a session's page has the first
ID_PREFIX_LEN characters of the id, which the store looks up like any prefix. A search may contain
an id, so it is a POST that redirects to such a URL.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from realtime.composition import blocking_store, database
from realtime.models import ClosedSession, LiveSession
from realtime.store.contract import ID_PREFIX_LEN, StoreUnavailable, StoreUnusable
from realtime.store.records import Query, Session
from realtime.views.serializers import as_row, reference

from .disconnect import PERMISSION, REASON_LENGTH, Target, disconnect, find_target
from .listing import SEARCHES, SORTED, STATES, ListParams, names_of, overview
from .readonly import ReadOnlyAdmin

LIST = "admin:realtime_livesession_changelist"
SESSION = "admin:realtime_livesession_change"
TEMPLATES = "admin/realtime/livesession"

Context = dict[str, Any]

HISTORY = 10  # rows on a session's page
OTHERS = 20  # further sessions of the user there
LISTED = 20  # on the page that confirms a disconnect


@admin.register(LiveSession)
class LiveSessionAdmin(ReadOnlyAdmin):
    """Read-only pages in the style of the stock admin, over the store's sessions."""

    def get_urls(self) -> list[URLPattern]:
        """These replace the stock views, which would query the ORM."""
        views: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "changelist": ("", self.changelist_view),
            "search": ("search/", self.search_view),
            "disconnect": ("disconnect/", self.disconnect_view),
            "change": ("<path:object_id>/change/", self.change_view),
        }
        return [
            path(route, self.admin_site.admin_view(view), name=f"realtime_livesession_{name}")
            for name, (route, view) in views.items()
        ]

    # ------------------------------------------------------------ the list

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._check_permission(request)
        params = ListParams.of(request.GET)
        if len(params.q) > ID_PREFIX_LEN and params.by == "session":
            return redirect(self._url(LIST) + params.url(q=reference(params.q)))
        return self._render(request, "list", _("Live sessions"), lambda: _list(request, params))

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Redirect from the search form, whose text may be a session id, to a URL without it."""
        self._check_permission(request)
        params = ListParams.of(request.POST)
        if params.by == "session" and len(params.q) >= ID_PREFIX_LEN:
            return self._to_session(params.q)
        return redirect(self._url(LIST) + params.url())

    # ------------------------------------------------------------ one session

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self._check_permission(request)
        prefix = unquote(object_id)
        if len(prefix) > ID_PREFIX_LEN:
            return self._to_session(prefix)
        return self._render(request, "session", _("Session"), lambda: _session(request, prefix))

    # ------------------------------------------------------------ disconnecting

    def disconnect_view(self, request: HttpRequest) -> HttpResponse:
        """Show the page that confirms it; disconnect when that is submitted."""
        self._check_permission(request)
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        if request.method != "POST":  # a redirect after login, or a bookmark
            return redirect(self._url(LIST))
        of_users = request.POST.get("scope") == "users"
        try:
            chosen, users = request.POST.getlist("session"), request.POST.getlist("user")
            target = find_target(blocking_store(), chosen, of_users=of_users, users=users)
            return self._disconnect(request, target)
        except StoreUnavailable as error:
            messages.error(request, _unreachable(error))
            return redirect(self._url(LIST))

    def _disconnect(self, request: HttpRequest, target: Target) -> HttpResponse:
        if not target.sessions:
            messages.warning(request, _("None of the chosen sessions exists any more."))
        elif "confirmed" in request.POST:
            reason = request.POST.get("reason", "").strip()[:REASON_LENGTH]
            count = disconnect(target, reason, by=request.user)
            text = ngettext(
                "%d session will be disconnected.", "%d sessions will be disconnected.", count
            )
            messages.success(request, text % count)
        else:
            return self._confirm(request, target)
        return redirect(self._url(LIST))

    def _confirm(self, request: HttpRequest, target: Target) -> HttpResponse:
        context = self._page_context(request, _("Disconnect sessions")) | {
            "target": target,
            "rows": [as_row(session, {}) for session in target.sessions[:LISTED]],
            "more": len(target.sessions) - LISTED,
            "chosen": request.POST.getlist("session"),
            "scope": request.POST.get("scope", ""),
            "reason_length": REASON_LENGTH,
        }
        return TemplateResponse(request, f"{TEMPLATES}/disconnect.html", context)

    # ------------------------------------------------------------ shared

    def _check_permission(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        # Links lead to this admin site; a project may have several.
        request.current_app = self.admin_site.name

    def _url(self, name: str, *args: str) -> str:
        return reverse(name, args=args, current_app=self.admin_site.name)

    def _to_session(self, session: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(self._url(SESSION, quote(reference(session))))

    def _render(
        self, request: HttpRequest, name: str, title: str, build: Callable[[], Context | None]
    ) -> HttpResponse:
        """Render a whole page, or with ``?live`` only the parts that update themselves."""
        live = "live" in request.GET
        context, status = self._page_context(request, title), 200
        try:
            found = build()
        except StoreUnavailable as error:
            found, status = {"unreachable": _unreachable(error)}, 503
        if found is not None:
            template = f"{TEMPLATES}/{'live_' if live else ''}{name}.html"
            return TemplateResponse(request, template, context | found, status=status)
        if live:
            return HttpResponse(status=404)
        messages.warning(request, _("There is no such session, neither live nor in the history."))
        return redirect(self._url(LIST))

    def _page_context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "may_disconnect": request.user.has_perm(PERMISSION),
            "may_see_history": request.user.has_perm("realtime.view_closedsession"),
            "zone": timezone.get_current_timezone_name(),
        }


def _unreachable(error: StoreUnavailable) -> str:
    if isinstance(error, StoreUnusable):  # a sentence for operators
        return str(error)
    return _("The store is unreachable: %s") % error


def _list(request: HttpRequest, params: ListParams) -> dict[str, Any]:
    after = request.GET.get("after", "")
    newest = int(after) if after.isdecimal() and len(after) < 16 else 0
    sort = {order: (params.url(order=order), way) for order, way in SORTED.items()}
    return overview(blocking_store(), params, after=newest) | {
        "params": params,
        "sort": sort,
        "searches": SEARCHES,
        "states": STATES,
    }


def _session(request: HttpRequest, prefix: str) -> dict[str, Any] | None:
    """The context of a session's page; None if no session begins with ``prefix``.

    If two did, the page would show both; 48 random bits make that unlikely.
    """
    store = blocking_store()
    may_see_history = request.user.has_perm("realtime.view_closedsession")
    if len(prefix) < ID_PREFIX_LEN:
        return None
    found = store.page(Query(prefix=prefix), limit=2).sessions
    ended = _ended(prefix) if may_see_history else []
    if not found and not ended:
        return None
    workers = names_of(store.workers())
    sessions = [
        as_row(session, workers) | _user_context(request, session, workers, history=may_see_history)
        for session in found
    ]
    return {
        "as_of": timezone.now(),
        "sessions": sessions,
        "ended": ended,
        "subtitle": prefix,
        "users_url": ListParams(by="user", q=found[0].peer.user).url() if found else "",
    }


def _ended(prefix: str) -> list[ClosedSession]:
    rows = ClosedSession.objects.using(database().alias).filter(session__startswith=prefix)[:20]
    return [row for row in rows if row.session.startswith(prefix)]  # SQLite ignores case


def _user_context(
    request: HttpRequest, session: Session, workers: dict[str, str], *, history: bool
) -> dict[str, Any]:
    """Other sessions of the user, live and closed."""
    user = session.peer.user
    if not user:
        return {"others": [], "history": []}
    others = [s for s in blocking_store().of_user(user) if s.id != session.id]
    closed = ClosedSession.objects.using(database().alias).filter(user=user)
    return {
        "others": [as_row(other, workers) for other in others[:OTHERS]],
        "others_count": len(others),
        "history": list(closed[:HISTORY]) if history else [],
        "user_url": _user_url(request, user),
        "users_url": ListParams(by="user", q=user).url(),
    }


def _user_url(request: HttpRequest, user: str) -> str:
    """The URL of the user's page in the admin, or an empty text."""
    meta = get_user_model()._meta
    try:
        return reverse(
            f"admin:{meta.app_label}_{meta.model_name}_change",
            args=[quote(user)],
            current_app=request.current_app,
        )
    except NoReverseMatch:
        return ""
