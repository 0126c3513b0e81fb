"""The health view."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from . import monitor
from .presentation import as_json
from .store.base import StoreUnavailable
from .store.database.transaction import speaking
from .store.records import Query
from .threads import Overloaded, aside
from .worker import foundation

PAGE = 100
PATIENCE = 1.75  # seconds for all; the counts take at most 1.5, the rest is the staff's


View = TypeVar("View", bound=Callable[..., Any])


def _outside_transactions(view: View) -> View:
    """Excuse an async view from ATOMIC_REQUESTS, with which Django 5.2 runs none."""
    for alias in settings.DATABASES:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


@_outside_transactions
@never_cache
async def health(request: HttpRequest) -> JsonResponse:
    """Counts for everybody, always 200; for staff with permission also the connections.

    ``?cursor=`` continues a list that was cut at 100.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    body = await monitor.health()
    try:
        async with asyncio.timeout_at(deadline):
            body |= await aside(_connections, request)
    except (StoreUnavailable, TimeoutError, Overloaded):
        pass  # the counts are the answer; "status" says that they are old
    return JsonResponse(body)


def _connections(request: HttpRequest) -> dict[str, Any]:
    """The staff's part, empty for everybody else. Blocking; raises StoreUnavailable."""
    with speaking():
        if not _may_see_connections(request):
            return {}
    store, cursor = foundation.blocking_store(), request.GET.get("cursor", "")
    try:
        found = store.page(Query(), limit=PAGE, cursor=cursor)
    except ValueError:  # somebody's own cursor: begin anew
        found = store.page(Query(), limit=PAGE)
    return {
        "connections": [as_json(session) for session in found.sessions],
        "next_cursor": found.cursor or None,
    }


def _may_see_connections(request: HttpRequest) -> bool:
    user: Any = getattr(request, "user", None)
    # A user model need not have staff.
    return getattr(user, "is_staff", False) and user.has_perm("realtime.view_livesession")
