"""Breaks what the plan says, when it says so, and mends it again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import redis

from tests.faults import Proxy
from tests.redis_server import RedisServer

from .observer import Observer, client
from .operator import Operator
from .plan import CHATS, Fault, Step
from .publishers import Process
from .record import Deed
from .workers import Worker

# By a clock that is ahead, Redis has kept its newest entries for long enough.
FORGETFUL = (Fault.EMPTY_REDIS, Fault.LOSE_REDIS, Fault.STEP_REDIS_CLOCK)


@dataclass
class Nemesis:
    """The targets. Deeds to the same target follow one another, others overlap."""

    redis: RedisServer
    workers: Mapping[str, Worker]
    lines: Mapping[str, Proxy]
    processes: Mapping[str, Process]
    observer: Observer
    operator: Operator
    deeds: list[Deed] = field(default_factory=list)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def play(self, steps: Sequence[Step], *, began: float) -> None:
        """Do all of it; returns when everything is whole again."""
        async with asyncio.TaskGroup() as group:
            for step in steps:
                await asyncio.sleep(max(0.0, began + step.at - time.monotonic()))
                group.create_task(self.do(step))

    async def do(self, step: Step) -> None:
        """One deed, from breaking to mending."""
        target, deed = self._deed(step)
        async with AsyncExitStack() as turns:
            for name in sorted(self.workers) if step.fault is Fault.ROTATE_KEY else [target]:
                await turns.enter_async_context(self._turns.setdefault(name, asyncio.Lock()))
            began = time.monotonic()
            with suppress(redis.RedisError):  # another deed was in its way
                await deed(step)
            forgets = step.fault in FORGETFUL
            keeps = step.fault is Fault.STEP_REDIS_CLOCK
            ended = time.monotonic()
            self.deeds.append(Deed(began, ended, step.fault.title, target, forgets, keeps))

    def _deed(self, step: Step) -> tuple[str, Callable[[Step], Awaitable[None]]]:
        """The target, and the deed."""
        worker = step.of(tuple(self.workers))
        line = step.of(tuple(self.lines))
        room = step.of(CHATS)
        table: dict[Fault, tuple[str, Callable[[Step], Awaitable[None]]]] = {
            Fault.KILL_WORKER: (worker, self._kill_worker),
            Fault.FREEZE_WORKER: (worker, self._freeze_worker),
            Fault.KILL_PUBLISHER: (step.of(tuple(self.processes)), self._kill_publisher),
            Fault.KILL_PUBSUB: ("", lambda _: self.cut_subscriptions()),
            Fault.KILL_CLIENTS: ("", lambda _: self._command("CLIENT", "KILL", "TYPE", "normal")),
            Fault.FORGET_SCRIPTS: ("", lambda _: self._command("SCRIPT", "FLUSH")),
            Fault.EMPTY_REDIS: ("", lambda _: self._command("FLUSHALL")),
            Fault.PAUSE_REDIS: ("redis", self._pause_redis),
            Fault.FREEZE_REDIS: ("redis", self._freeze_redis),
            Fault.RESTART_REDIS: ("redis", self._restart_redis),
            Fault.LOSE_REDIS: ("redis", self._restart_redis),
            Fault.TRIM_LOG: (room, self._trim),
            Fault.DROP_LOG: (room, self._trim),
            Fault.RESET_LINES: (line, self._reset),
            Fault.CUT_REPLIES: (line, self._cut),
            Fault.STALL_LINES: (line, self._stall),
            Fault.FILL_REDIS: ("redis", self.operator.fill_redis),
            Fault.BACK_UP_REDIS: ("backup", self.operator.back_up_redis),
            Fault.ATTACH_REPLICA: ("replica", self.operator.attach_replica),
            Fault.STEP_REDIS_CLOCK: ("redis", self.operator.step_redis_clock),
            Fault.STEP_WORKER_CLOCK: ("clock", self.operator.step_worker_clock),
            Fault.TERMINATE_BACKENDS: ("database", self.operator.terminate_backends),
            Fault.ROTATE_KEY: ("all", self.operator.rotate_key),
        }
        return table[step.fault]

    async def cut_subscriptions(self) -> None:
        """Make the next hints reach no worker."""
        await self._command("CLIENT", "KILL", "TYPE", "pubsub")

    # ------------------------------------------------------------ processes

    async def _kill_worker(self, step: Step) -> None:
        worker = self.workers[step.of(tuple(self.workers))]
        await worker.kill()
        await asyncio.sleep(step.size)
        await worker.start()

    async def _freeze_worker(self, step: Step) -> None:
        await self.workers[step.of(tuple(self.workers))].freeze(0.3 + 4 * step.size)

    async def _kill_publisher(self, step: Step) -> None:
        self.processes[step.of(tuple(self.processes))].kill()

    # ------------------------------------------------------------ Redis

    async def _command(self, *words: str) -> None:
        async with client(self.redis.port) as connection:
            await connection.execute_command(*words)  # type: ignore[no-untyped-call]

    async def _pause_redis(self, step: Step) -> None:
        kind = "WRITE" if step.target < 0.5 else "ALL"
        await self._command("CLIENT", "PAUSE", str(round(100 + 1_500 * step.size)), kind)

    async def _freeze_redis(self, step: Step) -> None:
        await asyncio.to_thread(self.redis.freeze)
        await asyncio.sleep(0.2 + 2.5 * step.size)
        await asyncio.to_thread(self.redis.thaw)

    async def _restart_redis(self, step: Step) -> None:
        await asyncio.to_thread(self.redis.kill)
        if step.fault is Fault.LOSE_REDIS:
            self.redis.forget()
        await asyncio.sleep(step.size)
        await asyncio.to_thread(self.redis.start)

    async def _trim(self, step: Step) -> None:
        keep = 0 if step.fault is Fault.DROP_LOG else round(1 + 10 * step.size)
        await self.observer.trim(step.of(CHATS), keep=keep)

    # ------------------------------------------------------------ the lines to Redis

    async def _reset(self, step: Step) -> None:
        self.lines[step.of(tuple(self.lines))].reset()

    async def _cut(self, step: Step) -> None:
        """Requests take effect, and their answers are lost."""
        times = round(1 + 3 * step.size)
        self.lines[step.of(tuple(self.lines))].cut_replies(to=b"chat:", times=times)

    async def _stall(self, step: Step) -> None:
        line = self.lines[step.of(tuple(self.lines))]
        line.stall(requests=step.target < 0.5, replies=True)
        await asyncio.sleep(0.2 + 2.5 * step.size)
        line.heal()
