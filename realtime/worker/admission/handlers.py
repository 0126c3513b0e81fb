"""Calls of the application's handlers for one connection."""

import logging
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from realtime.common.handler_threads import HandlerThreads
from realtime.common.threads import Overloaded
from realtime.events.session_log import printable
from realtime.store.contract import AtCapacity
from realtime.store.records import Peer

logger = logging.getLogger("realtime.work")

P = ParamSpec("P")
T = TypeVar("T")


class HandlerCalls:
    """Calls handlers, one at a time. Each has a thread of its own for its sync code, and its
    name in the log when it fails, beside ``peer`` and ``session`` as far as they are known."""

    def __init__(self, lender: HandlerThreads) -> None:
        self._lender = lender
        self._called = ""  # the handler that is under way, or has failed
        self.peer = Peer()
        self.session = ""

    async def call(
        self, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the handler answers. Raises what it raises, and AtCapacity if no thread
        was free for its sync code."""
        self._called = getattr(handler, "__name__", repr(handler))
        try:
            with self._lender.loan():
                answer = await handler(*args, **kwargs)
        except Overloaded:
            raise AtCapacity("no thread was free for the application's code") from None
        self._called = ""
        return answer

    def failed(self) -> None:
        """Log the exception that is being handled, as that of the handler that did not return."""
        peer, session = self.peer, self.session[:8]
        what = f"a handler of the application failed: {self._called}"
        user = f"{peer.user} ({peer.username})" if peer.user else "nobody"
        logger.exception(
            "%s, user %s, session %s",
            what if self._called else "a request could not be served",
            user if user.isprintable() else ascii(user),
            session or "none yet",
            extra={"handler": self._called, "user": printable(peer.user), "session": session},
        )
