"""Everything a run consists of: a Redis, workers, publishers, subscribers, and who looks on."""

import asyncio
import secrets
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from realtime.store.params import StoreParams
from realtime.store.redis import blocking_store
from realtime.store.timeouts import Timeouts
from tests.faults import Proxy
from tests.polling import TIMEOUT
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.wall_clock import WallClock

from ..support import Project
from .logins import TEMPLATE, logins_in
from .nemesis import Nemesis
from .observer import Observer
from .operator import Keys, Operator
from .plan import CHATS, Fault, dice
from .planted_clients import CLIENT_FAULTS
from .programs import Program
from .publishers import Process, Speaker, Workload
from .record import Diary, Record
from .subscribers import Subscriber
from .workers import Worker

PREFIX = "realtime"
# Redis writes before it answers, so that only a run without its data loses keys.
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
LOG_LENGTH = 150
SETTINGS = {
    "ping_interval": 1.0,
    "pong_timeout": 1.0,
    "session_timeout": 10.0,
    "lease": 2.0,
    "flush_interval": 0.3,
    "sweep_interval": 0.5,
    "resume_window": 6.0,
    "claim_timeout": 3.0,
    "store_timeout": 1.0,
    "log_length": LOG_LENGTH,
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a run is. ``programs`` of the ``subscribers`` use the Python client. ``pace`` is
    publications a second of each publisher, ``pause`` seconds between two faults, ``patience``
    those within which all subscribers must have everything in the end. ``planted`` names a fault in
    our own code."""

    seconds: float
    subscribers: int = 40
    programs: int = 20
    users: int = 8
    pace: float = 8.0
    pause: float = 0.8
    patience: float = 30.0
    faults: Collection[Fault] = tuple(Fault)
    servers: tuple[str, ...] = ("daphne", "uvicorn")
    processes: int = 2
    planted: str = ""


class World:
    """A context manager; nothing is left of it. Of workers and publishing processes the first
    each reach Redis by a line that can be cut."""

    def __init__(
        self, postgres: PostgresServer, folder: Path, *, scale: Scale, record: Record
    ) -> None:
        self.scale = scale
        self.record = record
        self.workers: dict[str, Worker] = {}
        self.lines: dict[str, Proxy] = {}
        self.processes: dict[str, Process] = {}
        self.speakers: list[Speaker] = []
        self.subscribers: list[Subscriber | Program] = []  # speakers included
        self._database = postgres.create(f"run_{secrets.token_hex(8)}", template=TEMPLATE)
        self._folder = folder
        self._clocks = {name: WallClock(folder / f"{name} clock") for name in ("redis", "worker")}
        self._environs: list[dict[str, str]] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._make(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def rooms(self) -> tuple[str, ...]:
        """All there are."""
        return (*CHATS, *(login.room for login in self.logins))

    async def _make(self, stack: AsyncExitStack) -> None:
        self.redis = stack.enter_context(RedisServer(*DURABLE, env=self._clocks["redis"].env))
        self.logins = logins_in(self._database)[: self.scale.users]
        self.observer = Observer(self.redis.port, self.record.history, self.rooms, prefix=PREFIX)
        self._make_workers(stack)
        self._make_processes(stack)
        self._make_people()
        keys = Keys(self._environs)
        async with asyncio.TaskGroup() as starting:
            for worker in self.workers.values():
                starting.create_task(worker.start())
            for process in self.processes.values():
                starting.create_task(process.start())
        timeouts = Timeouts(lease_ms=2_000, resume_ms=6_000, session_ms=10_000, claim_ms=3_000)
        self.store = blocking_store(
            self.redis.url, StoreParams(timeouts=timeouts, prefix=PREFIX, timeout=TIMEOUT)
        )
        self.nemesis = self._make_nemesis(keys)

    def _make_nemesis(self, keys: Keys) -> Nemesis:
        return Nemesis(
            self.redis,
            self.workers,
            self.lines,
            self.processes,
            self.observer,
            Operator(self.redis, self._database, self.workers, self.processes, self._clocks, keys),
            self.record.deeds,
        )

    def _make_workers(self, stack: AsyncExitStack) -> None:
        for number, server in enumerate(self.scale.servers):
            project = self._with(
                stack,
                f"line of {server}" if number == 0 else "",
                clock=self._clocks["worker"] if number == 1 else None,
            )
            self.workers[server] = Worker(server, project)
            stack.push_async_callback(self.workers[server].kill)

    def _make_processes(self, stack: AsyncExitStack) -> None:
        private = tuple(login.room for login in self.logins)
        for name in (f"process {number}" for number in range(1, self.scale.processes + 1)):
            project = self._with(stack, f"line of {name}" if not self.processes else "")
            self.processes[name] = Process(self._workload(name), env=project.env, private=private)
            stack.push_async_callback(self.processes[name].close)

    def _make_people(self) -> None:
        for name in ("speaker 1", "speaker 2"):
            speaker = Speaker(self._workload(name), **self._person(name, len(self.speakers)))
            self.speakers.append(speaker)
        numbers = range(1, self.scale.subscribers - 1)
        others = numbers[: len(numbers) - self.scale.programs]
        self.subscribers = [
            *self.speakers,
            *(Subscriber(**self._person(f"subscriber {number}", number)) for number in others),
            *(self._program(f"program {number}", number) for number in numbers[len(others) :]),
        ]

    def _program(self, name: str, number: int) -> Program:
        return Program(
            record=self.record,
            workload=self._workload(name),
            plant=CLIENT_FAULTS.get(self.scale.planted),
            **self._person(name, number),
        )

    def _workload(self, name: str) -> Workload:
        chance = dice(self.record.seed, f"{name}, speaking")
        return Workload(name, chance, self.record.publishes, pace=self.scale.pace)

    def _person(self, name: str, number: int) -> dict[str, Any]:
        chance = dice(self.record.seed, name)
        login = self.logins[number % len(self.logins)]
        diary = Diary(name, login.room)
        self.record.diaries.append(diary)
        return {
            "diary": diary,
            "chance": chance,
            "doors": {name: worker.door for name, worker in self.workers.items()},
            "cookie": login.cookie,
            "rooms": set(chance.sample(CHATS, chance.randint(1, len(CHATS)))),
            "others": tuple(each.room for each in self.logins if each != login),
        }

    def _with(self, stack: AsyncExitStack, line: str, *, clock: WallClock | None = None) -> Project:
        """The project, directly at Redis or by a line of this name, and on a clock of its own
        if one is given."""
        port = self.redis.port
        if line:
            self.lines[line] = stack.enter_context(Proxy(port))
            port = self.lines[line].port
        environ = {
            **(clock.env if clock else {}),
            "DJANGO_SETTINGS_MODULE": "tests.e2e.chaos.settings",
            "DATABASE_URL": self._database,
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
            "PLANTED": "" if self.scale.planted in CLIENT_FAULTS else self.scale.planted,
        }
        project = Project(self._folder / "no SQLite", environ=environ, **SETTINGS)
        self._environs.append(project.env)
        return project
