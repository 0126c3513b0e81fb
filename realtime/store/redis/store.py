"""The driver of the store on Redis for an event loop."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import redis
import redis.asyncio

from realtime.common.threads import CLOSE_TIMEOUT

from ..contract import AtCapacity, Store, StoreUnavailable
from ..log import Log
from ..operation import Operation, P, T
from .blocking import BlockingRedisStore
from .client import CONNECTIONS, is_demoted, translate_redis_errors
from .ownership import OwnedOperations
from .scripts import SCRIPTS, ScriptCall, ScriptSteps

MAX_WAITING = 20_000  # calls waiting for a Redis that hangs; further ones raise AtCapacity


class RedisStore(Store):
    """A call takes at most ``timeout`` seconds, then raises StoreUnavailable; it may have taken
    effect.

    The client's pool never has to wait, because a semaphore admits only as many calls as it has
    connections: a pool that waits can lose a connection for good when a call is cancelled twice.
    The connection of a cancelled call is closed.
    """

    def __init__(
        self,
        client: "redis.asyncio.Redis",
        blocking: BlockingRedisStore,
        *,
        prefix: str,
        timeout: float,
    ) -> None:
        self.blocking: BlockingRedisStore = blocking
        self._client = client
        self._operations = blocking.operations  # one owner check for both drivers
        self._prefix = prefix
        self._timeout = timeout
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._running = 0
        self._scripts = {name: client.register_script(text) for name, text in SCRIPTS.items()}
        self.log = RedisLog(self._run, self._operations.log)

    async def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._run(self._operations.steps_of(operation, *args, **kwargs))

    async def aclose(self) -> None:
        with suppress(TimeoutError):  # TLS sends a goodbye, and waits for the other side's
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._client.aclose()

    async def _run(self, steps: ScriptSteps[T]) -> T:
        if self._running >= MAX_WAITING:
            raise AtCapacity("too many calls are waiting for Redis")
        self._running += 1
        try:
            call = next(steps)
            async with asyncio.timeout(self._timeout), self._free:
                while True:
                    call = steps.send(await self._execute(call))
        except StopIteration as end:
            result: T = end.value
            return result
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {self._timeout:g} s") from None
        finally:
            self._running -= 1

    async def _execute(self, call: ScriptCall) -> bytes:
        script, keys = self._scripts[call.script], call.keys(self._prefix)
        with translate_redis_errors():
            try:
                answer: bytes = await script(keys=keys, args=[call.payload])
            except redis.ResponseError as error:
                if is_demoted(error):
                    await self._client.connection_pool.disconnect(inuse_connections=False)
                raise
        return answer


class RedisLog(Log):
    """The log of that store; ``run(steps)`` is its driver."""

    def __init__(
        self,
        run: Callable[[ScriptSteps[Any]], Coroutine[Any, Any, Any]],
        operations: OwnedOperations,
    ) -> None:
        self._run = run
        self._operations = operations

    async def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = await self._run(self._operations.steps_of(operation, *args, **kwargs))
        return result
