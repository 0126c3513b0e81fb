"""The health view."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings as django_settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from realtime import composition
from realtime.common.threads import Overloaded, aside
from realtime.conf import settings
from realtime.store.contract import StoreUnavailable
from realtime.store.database.transaction import translate_errors
from realtime.store.records import Query

from . import health as monitor
from .serializers import as_json

PAGE = 100
PATIENCE = 1.75  # seconds for all; the counts take at most 1.5, the rest is the staff's


View = TypeVar("View", bound=Callable[..., Any])


def _outside_transactions(view: View) -> View:
    """Excuse an async view from ATOMIC_REQUESTS, with which Django 5.2 runs none."""
    for alias in django_settings.DATABASES:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


@_outside_transactions
@never_cache
async def health(request: HttpRequest) -> JsonResponse:
    """Counts for everybody, or with HEALTH_DETAILS="staff" for staff, and ``status`` for all
    others; always 200. For staff also the words of what fails, with permission the connections.

    ``?cursor=`` continues a list that was cut at 100.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    body = await monitor.health()
    more = None
    # Who it is cannot be known now, or ever, as without the tables of users.
    with suppress(StoreUnavailable, DatabaseError, TimeoutError, Overloaded):
        async with asyncio.timeout_at(deadline):
            more = await aside(_for_staff, request)
    return JsonResponse(_for_public(body) if more is None else body | more)


def _for_public(body: dict[str, Any]) -> dict[str, Any]:
    """What everybody may see. Causes in the words of a database or a Redis name hosts and users."""
    if settings.health_details == "staff":
        return {"status": body["status"]}
    return body | {"failing": dict.fromkeys(body["failing"], "the log says why")}


def _for_staff(request: HttpRequest) -> dict[str, Any] | None:
    """What staff see besides the counts, None for everybody else. Blocking; raises
    StoreUnavailable if the database does not say who it is."""
    with translate_errors():
        user: Any = getattr(request, "user", None)
        if not getattr(user, "is_staff", False):  # a user model need not have staff
            return None
        if not user.has_perm("realtime.view_livesession"):
            return {}
    with suppress(StoreUnavailable):  # the counts are the answer; "status" says that they are old
        return _connections(request)
    return {}


def _connections(request: HttpRequest) -> dict[str, Any]:
    store, cursor = composition.blocking_store(), request.GET.get("cursor", "")
    try:
        found = store.page(Query(), limit=PAGE, cursor=cursor)
    except ValueError:  # somebody's own cursor: begin anew
        found = store.page(Query(), limit=PAGE)
    return {
        "connections": [as_json(session) for session in found.sessions],
        "next_cursor": found.cursor or None,
    }
