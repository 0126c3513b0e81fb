"""The end of a Twisted reactor, as plain daphne and ``runserver`` run it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any


def before_shutdown(finish: Callable[[], Awaitable[object]]) -> None:
    """Have the reactor that runs this event loop, if one does, await ``finish()`` before it stops.

    Daphne knows no lifespan, which elsewhere tells an application of the end. Its transports are
    open until then.
    """
    reactor: Any = sys.modules.get("twisted.internet.reactor")  # an import would install one
    loop = asyncio.get_running_loop()
    if getattr(reactor, "_asyncioEventloop", None) is not loop:
        return

    def wait() -> Any:
        from twisted.internet.defer import Deferred

        return Deferred.fromFuture(asyncio.ensure_future(finish(), loop=loop))

    reactor.addSystemEventTrigger("before", "shutdown", wait)
