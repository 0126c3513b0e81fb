"""Closes the sockets of a login when Django logs it in or out."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.transaction import TransactionManagementError
from django.dispatch import receiver
from django.http import HttpRequest

from realtime import api
from realtime.common.transactions import on_all_committed, open_transactions
from realtime.composition import database
from realtime.protocol.codes import CloseCode
from realtime.security.authentication import digest_of
from realtime.store.contract import StoreUnavailable


@receiver(user_logged_out)
def close_sockets(request: HttpRequest | None, **_: Any) -> None:
    """On logout close the sockets of this login; its session key is still there."""
    session = getattr(request, "session", None)
    if session is not None:
        _close(session.session_key, CloseCode.LOGGED_OUT)


@receiver(user_logged_in)
def call_back_sockets(request: HttpRequest | None, **_: Any) -> None:
    """On login the session key changes: sockets of the old key reconnect with the new one."""
    if request is None:
        return
    before = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if before != getattr(getattr(request, "session", None), "session_key", None):
        _close(before, CloseCode.CREDENTIALS_CHANGED)


def _close(session_key: str | None, code: CloseCode) -> None:
    """Close them once the open transactions have committed; after a rollback they stay open.

    Transactions that are managed by hand have no commit hooks: there the workers' next
    revalidation closes the sockets.
    """
    if not session_key:
        return

    def close() -> None:  # no partial: Django logs the name of a hook that fails
        # The workers log outages of the store, and their next revalidation closes the sockets.
        with suppress(StoreUnavailable):
            api.close_login(digest_of(session_key), code)

    with suppress(TransactionManagementError):
        on_all_committed(close, open_transactions(also_of_tests=(database().alias, "default")))
