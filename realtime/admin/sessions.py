"""The admin's live sessions: a list that follows, a page per session, disconnecting.

Everything live comes from the store, whatever that is. Two rules shape the URLs:
a session's id is in none of them, so a session's page is found by the id's first
characters (``store.base.ID_PREFIX_LEN``), which the store can look up like any prefix and
the browser's back button can return to; and what might contain an id, a search,
is a POST that leads on to such a URL.
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
from realtime.store.contract import ID_PREFIX_LEN, StoreUnavailable
from realtime.store.records import Query, Session
from realtime.views.serializers import as_row, reference

from .disconnect import PERMISSION, REASON_LENGTH, Target, disconnect, target
from .listing import SEARCHES, SORTED, STATES, ListParams, names_of, overview

LIST = "admin:realtime_livesession_changelist"
SESSION = "admin:realtime_livesession_change"
TEMPLATES = "admin/realtime/livesession"

Context = dict[str, Any]

HISTORY = 10  # rows on a session's page
OTHERS = 20
NAMED = 20  # on the page that asks before disconnecting


@admin.register(LiveSession)
class LiveSessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Pages of the stock admin over the store's sessions; rows are never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        """These instead of the stock ones, which would ask the ORM."""
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
        self._admit(request)
        question = ListParams.of(request.GET)
        if len(question.q) > ID_PREFIX_LEN and question.by == "session":
            return redirect(self._url(LIST) + question.url(q=reference(question.q)))
        return self._answer(request, "list", _("Live sessions"), lambda: _list(request, question))

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """From the search form, whose text may be a session's id, to a URL without it."""
        self._admit(request)
        question = ListParams.of(request.POST)
        if question.by == "session" and len(question.q) >= ID_PREFIX_LEN:
            return self._to_session(question.q)
        return redirect(self._url(LIST) + question.url())

    # ------------------------------------------------------------ one session

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self._admit(request)
        wanted = unquote(object_id)
        if len(wanted) > ID_PREFIX_LEN:
            return self._to_session(wanted)
        return self._answer(request, "session", _("Session"), lambda: _session(request, wanted))

    # ------------------------------------------------------------ disconnecting

    def disconnect_view(self, request: HttpRequest) -> HttpResponse:
        """First asks, then does."""
        self._admit(request)
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        if request.method != "POST":  # a login in between, a bookmark
            return redirect(self._url(LIST))
        of_users = request.POST.get("scope") == "users"
        try:
            chosen, users = request.POST.getlist("session"), request.POST.getlist("user")
            hit = target(blocking_store(), chosen, of_users=of_users, users=users)
            return self._disconnect(request, hit)
        except StoreUnavailable as error:
            messages.error(request, _unreachable(error))
            return redirect(self._url(LIST))

    def _disconnect(self, request: HttpRequest, hit: Target) -> HttpResponse:
        if not hit.sessions:
            messages.warning(request, _("None of the chosen sessions is there any more."))
        elif "confirmed" in request.POST:
            reason = request.POST.get("reason", "").strip()[:REASON_LENGTH]
            count = disconnect(hit, reason, by=request.user)
            done = ngettext(
                "%d session will be disconnected.", "%d sessions will be disconnected.", count
            )
            messages.success(request, done % count)
        else:
            return self._ask(request, hit)
        return redirect(self._url(LIST))

    def _ask(self, request: HttpRequest, hit: Target) -> HttpResponse:
        context = self._frame(request, _("Disconnect sessions")) | {
            "hit": hit,
            "rows": [as_row(session, {}) for session in hit.sessions[:NAMED]],
            "more": len(hit.sessions) - NAMED,
            "chosen": request.POST.getlist("session"),
            "scope": request.POST.get("scope", ""),
            "reason_length": REASON_LENGTH,
        }
        return TemplateResponse(request, f"{TEMPLATES}/disconnect.html", context)

    # ------------------------------------------------------------ what all have in common

    def _admit(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        # For links: a project may have several admin sites.
        request.current_app = self.admin_site.name

    def _url(self, name: str, *args: str) -> str:
        return reverse(name, args=args, current_app=self.admin_site.name)

    def _to_session(self, session: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(self._url(SESSION, quote(reference(session))))

    def _answer(
        self, request: HttpRequest, name: str, title: str, build: Callable[[], Context | None]
    ) -> HttpResponse:
        """A whole page, or with ``?live`` only what changes by itself."""
        live = "live" in request.GET
        context, status = self._frame(request, title), 200
        try:
            found = build()
        except StoreUnavailable as error:
            found, status = {"unreachable": _unreachable(error)}, 503
        if found is not None:
            template = f"{TEMPLATES}/{'live_' if live else ''}{name}.html"
            return TemplateResponse(request, template, context | found, status=status)
        if live:
            return HttpResponse(status=404)
        messages.warning(request, _("There is no such session, and none in the history."))
        return redirect(self._url(LIST))

    def _frame(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "may_disconnect": request.user.has_perm(PERMISSION),
            "may_see_history": request.user.has_perm("realtime.view_closedsession"),
            "zone": timezone.get_current_timezone_name(),
        }


def _unreachable(error: StoreUnavailable) -> str:
    return _("The store is unreachable: %s") % error


def _list(request: HttpRequest, question: ListParams) -> dict[str, Any]:
    after = request.GET.get("after", "")
    seen = int(after) if after.isdecimal() and len(after) < 16 else 0
    sort = {order: (question.url(order=order), way) for order, way in SORTED.items()}
    return overview(blocking_store(), question, after=seen) | {
        "question": question,
        "sort": sort,
        "searches": SEARCHES,
        "states": STATES,
    }


def _session(request: HttpRequest, wanted: str) -> dict[str, Any] | None:
    """A session's page; None if there is nothing to show.

    Two sessions that begin alike would both be shown: 48 bits of chance are against it.
    """
    store = blocking_store()
    may_see_history = request.user.has_perm("realtime.view_closedsession")
    if len(wanted) < ID_PREFIX_LEN:
        return None
    found = store.page(Query(prefix=wanted), limit=2).sessions
    ended = _ended(wanted) if may_see_history else []
    if not found and not ended:
        return None
    workers = names_of(store.workers())
    sessions = [
        as_row(session, workers) | _around(request, session, workers, with_history=may_see_history)
        for session in found
    ]
    return {
        "as_of": timezone.now(),
        "sessions": sessions,
        "ended": ended,
        "subtitle": wanted,
        "users_url": ListParams(by="user", q=found[0].peer.user).url() if found else "",
    }


def _ended(wanted: str) -> list[ClosedSession]:
    rows = ClosedSession.objects.using(database().alias).filter(session__startswith=wanted)[:20]
    return [row for row in rows if row.session.startswith(wanted)]  # SQLite takes a for A


def _around(
    request: HttpRequest, session: Session, workers: dict[str, str], *, with_history: bool
) -> dict[str, Any]:
    """What else the user has, and had."""
    user = session.peer.user
    if not user:
        return {"others": [], "history": []}
    others = [s for s in blocking_store().of_user(user) if s.id != session.id]
    history = ClosedSession.objects.using(database().alias).filter(user=user)
    return {
        "others": [as_row(other, workers) for other in others[:OTHERS]],
        "others_count": len(others),
        "history": list(history[:HISTORY]) if with_history else [],
        "user_url": _user_url(request, user),
        "users_url": ListParams(by="user", q=user).url(),
    }


def _user_url(request: HttpRequest, user: str) -> str:
    """The user's own page in the admin, if there is one."""
    meta = get_user_model()._meta
    try:
        return reverse(
            f"admin:{meta.app_label}_{meta.model_name}_change",
            args=[user],
            current_app=request.current_app,
        )
    except NoReverseMatch:
        return ""
