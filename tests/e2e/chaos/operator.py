"""Deeds of the servers' operators: backups, replicas, clocks, keys, full memory."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from tests.polling import TIMEOUT
from tests.redis_server import RedisServer
from tests.wall_clock import HOUR, WallClock

from .observer import client
from .plan import Step
from .publishers import Process
from .workers import Worker

# Seconds that a clock is off: what NTP mends, and what a wrong time zone or a flat battery does.
STEPS = (-2 * HOUR, -30, 30, 2 * HOUR)
AGAIN_AFTER = 0.1
OLD, NEW = "known to every reader of the tests", "known to the same readers, and newer"

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Keys:
    """The SECRET_KEY of all processes, changed in two steps: first every process accepts the
    new one, then every process signs with it. A further round changes back."""

    def __init__(self, environs: Sequence[dict[str, str]]) -> None:
        self._environs = environs
        self._signs, self._accepts = OLD, ""
        self._write()

    def step(self) -> None:
        """One of the two. It holds for processes that start from now on."""
        if self._accepts:
            self._signs, self._accepts = self._accepts, self._signs
        else:
            self._accepts = NEW
        self._write()

    def _write(self) -> None:
        for environ in self._environs:
            environ |= {"SECRET_KEY": self._signs, "FALLBACK_KEY": self._accepts}


@dataclass(frozen=True, slots=True)
class Operator:
    """``clocks`` are those of Redis ("redis") and of one worker ("worker")."""

    redis: RedisServer
    database: str
    workers: Mapping[str, Worker]
    processes: Mapping[str, Process]
    clocks: Mapping[str, WallClock]
    keys: Keys

    async def back_up_redis(self, _: Step) -> None:
        """A backup as Redis' own client makes one, which is that of a replica."""
        with tempfile.TemporaryDirectory() as folder:
            command = ("redis-cli", "-p", str(self.redis.port), "--rdb", str(Path(folder, "rdb")))
            null = asyncio.subprocess.DEVNULL
            process = await asyncio.create_subprocess_exec(*command, stdout=null, stderr=null)
            try:
                async with asyncio.timeout(TIMEOUT):
                    await process.wait()
            except TimeoutError:  # Redis stands still
                process.kill()
                await process.wait()

    async def attach_replica(self, step: Step) -> None:
        """A replica that comes, copies everything, and goes."""
        origin = ("--replicaof", "127.0.0.1", str(self.redis.port))
        replica = await asyncio.to_thread(RedisServer, *origin)
        try:
            await asyncio.sleep(0.5 + 2 * step.size)
        finally:
            await asyncio.to_thread(replica.close)

    async def fill_redis(self, step: Step) -> None:
        """Nothing more fits in, for a while."""
        await self._command("CONFIG", "SET", "maxmemory", "1")
        try:
            await asyncio.sleep(0.3 + 2.5 * step.size)
        finally:
            await self._command("CONFIG", "SET", "maxmemory", "0")

    async def step_redis_clock(self, step: Step) -> None:
        """Wrong for a while, then set right."""
        self.clocks["redis"].set(STEPS[int(step.target * len(STEPS))])
        await asyncio.sleep(0.3 + 2.5 * step.size)
        self.clocks["redis"].set(0)

    async def step_worker_clock(self, step: Step) -> None:
        """Wrong from now on, or right again."""
        steps = (0, *STEPS)
        self.clocks["worker"].set(steps[int(step.target * len(steps))])

    async def terminate_backends(self, _: Step) -> None:
        """Every connection to the database, as its administrator or a failover ends them."""
        connection = await psycopg.AsyncConnection.connect(self.database, autocommit=True)
        async with connection:
            await connection.execute(TERMINATE)

    async def rotate_key(self, _: Step) -> None:
        """One step, and a rolling restart for it."""
        self.keys.step()
        for worker in self.workers.values():
            await worker.stop()
            await worker.start()
        for process in self.processes.values():
            process.kill()

    async def _command(self, *words: str) -> None:
        """Again until Redis has done it: other deeds cut connections and freeze it."""
        async with asyncio.timeout(3 * TIMEOUT):
            while not await self._done(*words):
                await asyncio.sleep(AGAIN_AFTER)

    async def _done(self, *words: str) -> bool:
        try:
            async with client(self.redis.port) as connection:
                await connection.execute_command(*words)  # type: ignore[no-untyped-call]
        except redis.RedisError:
            return False
        return True
