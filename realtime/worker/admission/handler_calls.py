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
    """Calls handlers, one at a time. Each call gets its own thread for its sync code, and its
    failure is logged with the handler's name, ``peer`` and ``session`` as far as they are known."""

    def __init__(self, threads: HandlerThreads) -> None:
        self._threads = threads
        self._handler = ""  # the name of the handler that runs, or has failed
        self.peer = Peer()
        self.session = ""

    async def call(
        self, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The handler's result. Raises AtCapacity if no thread was free for its sync code."""
        self._handler = getattr(handler, "__name__", repr(handler))
        try:
            with self._threads.executor():
                result = await handler(*args, **kwargs)
        except Overloaded:
            raise AtCapacity("no thread was free for the application's code") from None
        self._handler = ""
        return result

    def log_failure(self) -> None:
        """Log the exception that is being handled, as that of the handler that has failed."""
        peer, session = self.peer, self.session[:8]
        failure = f"a handler of the application failed: {self._handler}"
        name = f" ({peer.username})" if peer.username else ""
        user = f"{peer.user}{name}" if peer.user else "anonymous"
        logger.exception(
            "%s, user %s, session %s",
            failure if self._handler else "a request could not be served",
            user if user.isprintable() else ascii(user),
            session or "none yet",
            extra={"handler": self._handler, "user": printable(peer.user), "session": session},
        )
