"""Logins and logouts, as Django's HTTP half sees them, told to the sockets."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.transaction import TransactionManagementError
from django.dispatch import receiver
from django.http import HttpRequest

from realtime import api
from realtime.common.transactions import once_committed, open_transactions
from realtime.composition import database
from realtime.protocol.codes import CloseCode
from realtime.security.authentication import digest_of
from realtime.store.contract import StoreUnavailable


@receiver(user_logged_out)
def close_sockets(request: HttpRequest | None, **_: Any) -> None:
    """End the sockets of this login at once; the session key is readable until it is flushed."""
    session = getattr(request, "session", None)
    if session is not None:
        _close(session.session_key, CloseCode.LOGGED_OUT)


@receiver(user_logged_in)
def call_back_sockets(request: HttpRequest | None, **_: Any) -> None:
    """A login moves to a new session key: sockets of the old one come back with the new."""
    if request is None:
        return
    before = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if before != getattr(getattr(request, "session", None), "session_key", None):
        _close(before, CloseCode.CREDENTIALS_CHANGED)


def _close(session_key: str | None, code: CloseCode) -> None:
    """After the transactions that are open, so that nothing is closed for a login that is rolled
    back. Where one is managed by hand nothing tells of its commit: the workers' next look at
    the logins finds what has become of this one."""
    if not session_key:
        return

    def close() -> None:  # no partial: Django wants the name of one that fails
        # The workers say that the store is away; their next look at the logins finds this one.
        with suppress(StoreUnavailable):
            api.close_login(digest_of(session_key), code)

    with suppress(TransactionManagementError):
        once_committed(close, open_transactions(also_of_tests=(database().alias, "default")))
