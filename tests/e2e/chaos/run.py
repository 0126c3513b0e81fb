"""A run: a storm, a rest in which every subscriber must get everything, and the judgement."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.store.records import Deliveries, Query
from tests.postgres_server import PostgresServer

from .checker import check
from .plan import schedule
from .publishers import Process, Speaker
from .record import Position, Record, Tally
from .violations import Violation
from .world import LOG_LENGTH, Scale, World

ROUNDS = 3  # publications of all publishers to every room, undisturbed
TRIES = 3
LOOK = 0.05
LONGEST_END = 2.0
REGISTRY = 1_000  # sessions, far more than there are subscribers
STEADY = 1.0  # three times as long as workers take to report


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result. It took ``settled`` seconds until all subscribers had all publications, None if
    they never had. ``complaints`` are the workers' unwanted log lines."""

    record: Record
    violations: list[Violation]
    settled: float | None
    complaints: list[str]


async def play(postgres: PostgresServer, folder: Path, *, seed: int, scale: Scale) -> Outcome:
    """One run."""
    record = Record(seed, log_length=LOG_LENGTH)
    async with World(postgres, folder, scale=scale, record=record) as world:
        run = Run(world)
        try:
            await run.storm()
            settled = await run.rest()
            if settled is not None and not scale.planted:
                record.ghosts = await run.ghosts()
                async with asyncio.timeout(TRIES * scale.patience):
                    record.tally = await run.tally()
        finally:
            await run.end()
        complaints = [line for worker in world.workers.values() for line in worker.complaints()]
    return Outcome(record, check(record), settled, complaints)


class Run:
    """The phases of a run in a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._publishers: list[Process | Speaker] = [*world.processes.values(), *world.speakers]
        self._tasks: list[asyncio.Task[None]] = []  # that must not end by themselves
        self._speaking: list[asyncio.Task[None]] = []

    async def storm(self) -> None:
        """Let clients come and go at random while everything breaks."""
        world, scale = self._world, self._world.scale
        world.record.began = began = time.monotonic()
        self._start("observer", world.observer.run())
        for subscriber in world.subscribers:
            self._start(subscriber.diary.name, subscriber.run())
        self._speaking = [asyncio.create_task(each.publish_on()) for each in self._publishers]
        steps = schedule(
            world.record.seed, seconds=scale.seconds, pause=scale.pause, faults=scale.faults
        )
        await self._guarded(world.nemesis.play(steps, began=began))
        await self._guarded(asyncio.sleep(began + scale.seconds - time.monotonic()))

    async def rest(self) -> float | None:
        """Nothing breaks any more but the subscriptions, once: what is published then must
        arrive all the same, though nothing follows it. How long everything took."""
        world = self._world
        began = time.monotonic()
        for each in (*self._publishers, *world.subscribers):
            each.calm.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(world.scale.patience):
                await self._guarded(self._all_is_said())
                await world.nemesis.cut_subscriptions()
                await self._speak_everywhere()
                await self._until(self._everybody_has_everything)
                return time.monotonic() - began
        return None

    async def ghosts(self) -> tuple[str, ...]:
        """Differences between the registry and the subscribers, when old sessions have had
        the time to end; empty if nothing."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._world.scale.patience):
                await self._until(lambda: not self._disagreements())
        return self._disagreements()

    def _disagreements(self) -> tuple[str, ...]:
        page = self._world.store.page(Query(), limit=REGISTRY)
        there = {f"{session.id[:8]} {session.state.value}" for session in page.sessions}
        held = {f"{each.session[:8]} connected" for each in self._world.subscribers}
        return tuple(
            f"{name}, {'registry' if name in there else 'subscribers'} only"
            for name in sorted(there ^ held)
        )

    async def tally(self) -> Tally | None:
        """The counts of an undisturbed time; None if every attempt was disturbed."""
        for _ in range(TRIES):
            await self._until_steady()
            connections, before, seen = self._connections(), self._counted(), self._seen()
            spoken = await self._speak_everywhere(times=ROUNDS)
            await self._until(self._everybody_has_everything)
            await self._until_steady()
            counted = self._counted()
            if self._connections() == connections:
                return Tally(
                    published=counted.published - before.published,
                    handed=_handed(counted) - _handed(before),
                    skipped=counted.skipped - before.skipped,
                    acknowledged=spoken,
                    seen=self._seen() - seen,
                )
        return None

    async def end(self) -> None:
        """End all tasks. One whose own timeout comes in the same moment takes no notice of being
        cancelled, so they are cancelled again."""
        tasks = {*self._tasks, *self._speaking}
        while tasks:
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=LONGEST_END)

    # ------------------------------------------------------------ looking on

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def _guarded(self, work: Awaitable[Any]) -> None:
        """Do it while all others go on; what one of them fails with is raised."""
        doing = asyncio.ensure_future(work)
        try:
            await asyncio.wait({doing, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks:
                if task.done():
                    task.result()
            await doing
        finally:
            doing.cancel()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async def come() -> None:
            while not condition():
                await asyncio.sleep(LOOK)

        await self._guarded(come())

    def _everybody_has_everything(self) -> bool:
        """By what the observer has read since the last acknowledgement."""
        record = self._world.record
        last = max((each.acknowledged or 0.0 for each in record.publishes), default=0.0)
        lives = {room: lives[-1] for room, lives in record.history.lives.items()}
        if any(life.last < last for life in lives.values()):
            return False
        ends = {room: Position(life.epoch, life.top) for room, life in lives.items()}
        return all(subscriber.is_at(ends) for subscriber in self._world.subscribers)

    # ------------------------------------------------------------ counting

    async def _all_is_said(self) -> None:
        await asyncio.wait(self._speaking)
        for task in self._speaking:
            task.result()

    async def _speak_everywhere(self, *, times: int = 1) -> int:
        """Let every publisher publish in each of its rooms; returns how much of it was
        published by workers."""
        for _ in range(times):
            said = (each.say(room) for each in self._publishers for room in each.rooms)
            await self._guarded(asyncio.gather(*said))
        return times * sum(len(speaker.rooms) for speaker in self._world.speakers)

    def _seen(self) -> int:
        return sum(subscriber.seen for subscriber in self._world.subscribers)

    def _connections(self) -> int:
        return sum(subscriber.connections for subscriber in self._world.subscribers)

    def _counted(self) -> Deliveries:
        return self._world.store.stats().deliveries

    async def _until_steady(self) -> None:
        """Until all workers have told the store what they have counted."""
        latest = None
        while latest != (latest := self._counted()):
            await asyncio.sleep(STEADY)


def _handed(counted: Deliveries) -> int:
    return counted.delivered + counted.replayed
