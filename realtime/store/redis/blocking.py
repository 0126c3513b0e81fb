"""The driver of the store on Redis for threads."""

from collections.abc import Callable
from typing import Any

import redis

from ..contract import BlockingStore
from ..log import BlockingLog
from ..operation import Operation, P, T
from .client import is_demoted, translate_redis_errors
from .operations import RedisOperations
from .ownership import OwnedOperations
from .scripts import SCRIPTS, ScriptCall, ScriptSteps


class BlockingRedisStore(BlockingStore):
    """May be shared by threads and used after a fork. All keys begin with ``{prefix}:``."""

    def __init__(self, client: "redis.Redis", operations: RedisOperations, *, prefix: str) -> None:
        self._client = client
        self.operations = operations
        self._prefix = prefix
        self._scripts = {name: client.register_script(text) for name, text in SCRIPTS.items()}
        self.log = BlockingRedisLog(self._run, operations.log)

    def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(self.operations.steps_of(operation, *args, **kwargs))

    def _run(self, steps: ScriptSteps[T]) -> T:
        try:
            call = next(steps)
            while True:
                call = steps.send(self._execute(call))
        except StopIteration as end:
            result: T = end.value
            return result

    def _execute(self, call: ScriptCall) -> bytes:
        script, keys = self._scripts[call.script], call.keys(self._prefix)
        with translate_redis_errors():
            try:
                answer: bytes = script(keys=keys, args=[call.payload])
            except redis.ResponseError as error:
                if is_demoted(error):
                    self._client.connection_pool.disconnect(inuse_connections=False)
                raise
        return answer


class BlockingRedisLog(BlockingLog):
    """The log of that store; ``run(steps)`` is its driver."""

    def __init__(self, run: Callable[[ScriptSteps[Any]], Any], operations: OwnedOperations) -> None:
        self._run = run
        self._operations = operations

    def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = self._run(self._operations.steps_of(operation, *args, **kwargs))
        return result
