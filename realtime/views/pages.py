"""The health view."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings as django_settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from realtime import composition
from realtime.common.threads import Overloaded, run_for_page
from realtime.conf import settings
from realtime.store.contract import StoreUnavailable
from realtime.store.database.transaction import translate_database_errors
from realtime.store.records import Query

from .health import health_body
from .serializers import as_json

PAGE = 100
TIMEOUT = 1.75  # seconds for all; the counts take at most 1.5, the rest is for the staff's part


View = TypeVar("View", bound=Callable[..., Any])


def _outside_transactions(view: View) -> View:
    """Exempt an async view from ATOMIC_REQUESTS: Django 5.2 refuses to run it in a transaction."""
    for alias in django_settings.DATABASES:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


@login_not_required  # it decides itself what it shows to the public
@_outside_transactions
@never_cache
async def health(request: HttpRequest) -> JsonResponse:
    """Always answer 200, with the store's counts; with HEALTH_DETAILS="staff" others than staff get
    ``status`` only. Staff also get the causes of failures, and with the permission
    ``realtime.view_livesession`` the sessions, 100 at a time: ``?cursor=`` continues the list.
    """
    deadline = asyncio.get_running_loop().time() + TIMEOUT
    body = await health_body()
    more = None
    # If the user cannot be determined, as without the users' tables, answer as to the public.
    with suppress(StoreUnavailable, DatabaseError, TimeoutError, Overloaded):
        async with asyncio.timeout_at(deadline):
            more = await run_for_page(_for_staff, request)
    return JsonResponse(_for_public(body) if more is None else body | more)


def _for_public(body: dict[str, Any]) -> dict[str, Any]:
    """The part that is public: causes in a database's words may name hosts and users."""
    if settings.health_details == "staff":
        return {"status": body["status"]}
    return body | {"failing": dict.fromkeys(body["failing"], "the log says why")}


def _for_staff(request: HttpRequest) -> dict[str, Any] | None:
    """The fields that only staff see; None for others. Blocking. Raises StoreUnavailable."""
    with translate_database_errors():
        user: Any = getattr(request, "user", None)
        if not getattr(user, "is_staff", False):  # not every user model has it
            return None
        if not user.has_perm("realtime.view_livesession"):
            return {}
    with suppress(StoreUnavailable):  # the counts are enough; "status" says that they are old
        return _connections(request)
    return {}


def _connections(request: HttpRequest) -> dict[str, Any]:
    store, cursor = composition.blocking_store(), request.GET.get("cursor", "")
    try:
        found = store.page(Query(), limit=PAGE, cursor=cursor)
    except ValueError:  # not a cursor of ours: from the beginning
        found = store.page(Query(), limit=PAGE)
    return {
        "connections": [as_json(session) for session in found.sessions],
        "next_cursor": found.cursor or None,
    }
