"""The rooms of a worker on a log that fails, is slow, restarts and is trimmed; on virtual time."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import wraps
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from realtime.bus.publication_batches import PublicationBatch
from realtime.protocol.messages import JoinResult
from realtime.protocol.position import Gap, Position, Rewind
from realtime.store.contract import StoreUnavailable
from realtime.store.log import MAX_BATCH, LogEnd, LogEntry
from realtime.worker.rooms import room as room_module
from realtime.worker.rooms.batched_reads import WorkerStopped
from realtime.worker.rooms.encoding import EncodedPublication, encode_publication
from realtime.worker.rooms.rooms import AUDIT_INTERVAL, MAX_READS, RECENT_INTERVAL, Rooms
from tests.search_profiles import machine_settings

from ..logs import InProcessLog
from ..virtual_loop import VirtualLoop, run_virtually

WINDOW = 5  # what a subscriber may have unanswered


def hint(log: InProcessLog, room: str, entry: LogEntry | None = None) -> PublicationBatch:
    """The hint about an entry, or about a new one."""
    entry = entry or log.put(room)
    return PublicationBatch(room, log.room(room).epoch, entry.offset, (entry,))


class Subscriber:
    """A member of any number of rooms: checks that what it gets is what was published, in
    order, with nothing missing or twice. ``account`` is what it got, or knows to have missed."""

    def __init__(self, log: InProcessLog, positions: dict[str, Position] | None = None) -> None:
        self._log = log
        self.positions = dict(positions or {})
        self.rooms: set[str] = set()
        self.gaps: list[tuple[str, Gap]] = []
        self.account = 0
        self.unanswered = 0
        self.frames: list[EncodedPublication] = []
        self.wrong: list[str] = []

    def on_joined(self, name: str, position: Position | None, result: JoinResult) -> None:
        """Note the result of a join at this position."""
        self.rooms.add(name)
        if position is None or not result.recovered:
            newest = Position(result.epoch, result.offset)
            self.account += _lost(position, newest, result.reason)
            self.positions[name] = newest

    def offer(self, room: str, publication: Any, *, replayed: bool) -> bool:
        if self.unanswered >= WINDOW:
            return False
        self._check(room in self.rooms, "nothing outside")
        position = self.positions[room]
        self._check(publication.offset == position.offset + 1, "in order, once")
        true = self._log.room(room).everything[position.epoch, publication.offset]
        self._check(publication == encode_publication(room, true), "what was published")
        self.positions[room] = Position(position.epoch, publication.offset)
        self.account += 1
        self.unanswered += 1
        self.frames.append(publication)
        return True

    def on_gap(self, room: str, top: Position, gap: Gap) -> None:
        self._check(room in self.rooms, "nothing outside")
        self.account += _lost(self.positions[room], top, gap.value)
        self.gaps.append((room, gap))
        self.positions[room] = top

    def _check(self, right: bool, rule: str) -> None:
        """Note a violation; an assert would be caught by the room."""
        if not right:
            self.wrong.append(rule)

    @property
    def offsets(self) -> list[int]:
        return [publication.offset for publication in self.frames]


def _lost(position: Position | None, top: Position, reason: str | None) -> int:
    if position is None or reason == "ahead":
        return 0
    return top.offset - (position.offset if reason == "expired" else 0)


# ---------------------------------------------------------------- any sequence of events

ROOMS = ["a", "b", "c"]
NAMES = st.sampled_from(["ada", "ben", "cleo", "dan"])
HINTS = st.lists(st.sampled_from(["yes", "yes", "no", "late"]), min_size=1, max_size=2 * WINDOW)


class RoomsMachine(RuleBasedStateMachine):
    """Subscribers join, go, stall and return with their positions, while the log fails, is
    slow, is trimmed and begins anew, and hints are lost."""

    @initialize(seed=st.integers(0, 10_000), piece=st.integers(1, 8), has_recent=st.booleans())
    def begin(self, seed: int, piece: int, has_recent: bool) -> None:
        self.loop = VirtualLoop()
        self.broken: list[object] = []  # tasks and callbacks that have raised
        self.loop.set_exception_handler(lambda _loop, context: self.broken.append(context))
        self.log = InProcessLog(keep=12, piece=piece, seed=seed)
        self.log.latency = 0.3
        self.log.has_recent = has_recent
        self.texts = map(str, itertools.count())
        self.here: Counter[str] = Counter()
        self.subscribers: dict[str, Subscriber] = {}
        self.gone: list[Subscriber] = []
        self.positions: dict[str, dict[str, Position]] = {}
        self.joining: dict[str, asyncio.Task[None]] = {}
        self.late: list[PublicationBatch] = []
        self._run(self._start())
        for name in ("ada", "ben"):
            self.join(name, {"a", "b"}, 0.0)
        self.loop.let_pass(2)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    async def _start(self) -> None:
        self.rooms = Rooms(
            self.log,
            on_open=lambda name: self.here.update([name]),
            on_close=lambda name: self.here.subtract([name]),
        )
        self.jobs = [
            self.loop.create_task(_every(AUDIT_INTERVAL, self.rooms.audit)),
            self.loop.create_task(_every(RECENT_INTERVAL, self.rooms.poll_recent)),
        ]

    # ------------------------------------------------------------ log and layer

    @rule(room=st.sampled_from(ROOMS), hints=HINTS)
    def publish(self, room: str, hints: list[str]) -> None:
        for each in hints:
            entry = self.log.put(room, next(self.texts))
            if each == "yes":
                self._run(self._hint(hint(self.log, room, entry)))
            elif each == "late":
                self.late.append(hint(self.log, room, entry))

    async def _hint(self, batch: PublicationBatch) -> None:
        self.rooms.on_publication(batch)

    @rule(data=st.data())
    def late_hints_arrive(self, data: st.DataObject) -> None:
        for batch in data.draw(st.permutations(self.late)):
            self._run(self._hint(batch))
        self.late.clear()

    @rule(room=st.sampled_from(ROOMS), left=st.integers(0, 5))
    def a_log_is_trimmed(self, room: str, left: int) -> None:
        log = self.log.room(room)
        log.kept = log.kept[max(0, len(log.kept) - left) :]

    @rule()
    def the_store_restarts(self) -> None:
        for log in self.log.rooms.values():
            log.restart()

    @rule(faults=st.sampled_from([0.0, 0.0, 0.2, 1.0]))
    def the_store_falters(self, faults: float) -> None:
        self.log.faults = faults

    # ------------------------------------------------------------ subscribers

    @rule(name=NAMES, rooms=st.sets(st.sampled_from(ROOMS), min_size=1), pause=st.floats(0, 0.5))
    def join(self, name: str, rooms: set[str], pause: float) -> None:
        """Join at the last positions, if it was here before, and in new rooms."""
        self.leave_all(name)
        subscriber = Subscriber(self.log, self.positions.get(name))
        work = self._join(name, subscriber, sorted(rooms), pause)
        self.joining[name] = self.loop.create_task(work)

    async def _join(
        self, name: str, subscriber: Subscriber, rooms: list[str], pause: float
    ) -> None:
        try:
            async with self.rooms.prepare(rooms):
                await asyncio.sleep(pause)  # the store hears of the session
                self.subscribers[name] = subscriber
                for room in rooms:
                    position = subscriber.positions.get(room)
                    subscriber.on_joined(
                        room, position, self.rooms.join(subscriber, room, position)
                    )
        except StoreUnavailable:
            assert name not in self.subscribers

    @rule(name=NAMES)
    def leave_all(self, name: str) -> None:
        """Leave all rooms, or cancel the join."""
        if (task := self.joining.pop(name, None)) and not task.done():
            task.cancel()
        if subscriber := self.subscribers.pop(name, None):
            self.rooms.leave_all(subscriber, list(subscriber.rooms))
            subscriber.rooms.clear()
            self.positions[name] = subscriber.positions
            self.gone.append(subscriber)

    @rule(name=NAMES, room=st.sampled_from(ROOMS))
    def leave(self, name: str, room: str) -> None:
        if subscriber := self.subscribers.get(name):
            self.rooms.leave(subscriber, room)
            subscriber.rooms.discard(room)

    @rule(name=NAMES)
    def answer(self, name: str) -> None:
        if subscriber := self.subscribers.get(name):
            self._run(self._answer(subscriber))

    async def _answer(self, subscriber: Subscriber) -> None:
        subscriber.unanswered = 0
        self.rooms.on_ready(subscriber, subscriber.rooms)

    @rule(name=NAMES)
    def beat(self, name: str) -> None:
        if subscriber := self.subscribers.get(name):
            self.rooms.request_audit(subscriber.rooms)

    @rule(seconds=st.sampled_from([0, 0.01, 0.1, 0.5, 2]))
    def time_passes(self, seconds: float) -> None:
        self.loop.let_pass(seconds)

    @rule(seconds=st.sampled_from([0, 0.01, 0.1, 0.5]))
    def time_passes_as_well(self, seconds: float) -> None:
        """Again, so that it is chosen more often."""
        self.loop.let_pass(seconds)

    @invariant()
    def nothing_is_wrong(self) -> None:
        subscribers = [*self.subscribers.values(), *self.gone]
        assert not [each.wrong for each in subscribers if each.wrong]
        assert not self.broken

    # ------------------------------------------------------------ in the end

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        self._settle()
        self._all_have_everything()
        for name in list(self.subscribers):
            self.leave_all(name)
        self.loop.let_pass(0)
        assert set(self.rooms.names()) == set()
        assert set(self.here.values()) <= {0}
        self._run(self._stop())
        assert not asyncio.all_tasks(self.loop), "nothing is left behind"
        self.loop.close()

    def _settle(self) -> None:
        """Repair the store; all subscribers take everything and beat once."""
        self.log.faults = 0.0
        self.loop.let_pass(5)
        for subscriber in self.subscribers.values():
            self.rooms.request_audit(subscriber.rooms)
        for _ in range(20):
            for subscriber in self.subscribers.values():
                self._run(self._answer(subscriber))
            self.loop.let_pass(1)

    def _all_have_everything(self) -> None:
        for subscriber in self.subscribers.values():
            for room in subscriber.rooms:
                assert subscriber.positions[room] == self.log.room(room).end.top
        accounts = sum(each.account for each in [*self.subscribers.values(), *self.gone])
        counted = self.rooms.deliveries
        assert accounts == counted.delivered + counted.replayed + counted.skipped
        occupied = {room for each in self.subscribers.values() for room in each.rooms}
        assert set(self.rooms.names()) == occupied
        assert {room for room, count in self.here.items() if count} == occupied
        assert set(self.here.values()) <= {0, 1}

    async def _stop(self) -> None:
        for job in self.jobs:
            job.cancel()
        await asyncio.wait(self.jobs)
        await self.rooms.stop()


async def _every(seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except StoreUnavailable:
            continue


@pytest.fixture(autouse=True, scope="module")
def _small_slices() -> Iterable[None]:
    """Have pauses with a few members already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room_module, "FAN_OUT_SLICE", 1)
        yield


RoomsMachine.TestCase.settings = machine_settings(examples=60, steps=40, shrinks=False)
TestAnything = RoomsMachine.TestCase


# ---------------------------------------------------------------- one thing at a time


def virtually(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on a loop on which time costs nothing; it must leave no task behind."""

    @wraps(test)
    def run() -> None:
        run_virtually(test())

    del run.__wrapped__  # pytest would take it for a coroutine function
    return run


@asynccontextmanager
async def running_rooms(log: InProcessLog, **watchers: Any) -> AsyncIterator[Rooms]:
    """The rooms of a worker that runs their jobs."""
    rooms = Rooms(log, **watchers)
    jobs = [
        asyncio.create_task(_every(AUDIT_INTERVAL, rooms.audit)),
        asyncio.create_task(_every(RECENT_INTERVAL, rooms.poll_recent)),
    ]
    try:
        yield rooms
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.wait(jobs)
        await rooms.stop()


async def join(
    rooms: Rooms, log: InProcessLog, *names: str, at: dict[str, Position] | None = None
) -> Subscriber:
    """Return a subscriber that is in these rooms."""
    subscriber = Subscriber(log, at)
    async with rooms.prepare(names):
        for name in names:
            position = subscriber.positions.get(name)
            subscriber.on_joined(name, position, rooms.join(subscriber, name, position))
    return subscriber


def now() -> float:
    return asyncio.get_running_loop().time()


@virtually
async def test_a_join_says_where_the_log_ends() -> None:
    log = InProcessLog(keep=2)
    for _ in range(4):
        log.put("a")
    epoch = log.room("a").epoch
    entries = {
        None: JoinResult(epoch, 4),
        Position(epoch, 2): JoinResult(epoch, 4, recovered=True),
        Position(epoch, 1): JoinResult(epoch, 4, recovered=False, reason="expired"),
        Position(epoch, 5): JoinResult(epoch, 4, recovered=False, reason="ahead"),
        Position("other", 4): JoinResult(epoch, 4, recovered=False, reason="epoch_changed"),
    }
    async with running_rooms(log) as rooms, rooms.prepare(["a"]):
        for position, entry in entries.items():
            assert rooms.join(Subscriber(log), "a", position) == entry


@virtually
async def test_a_rewind_says_after_which_offset_it_begins() -> None:
    log = InProcessLog(keep=2)
    for _ in range(4):
        log.put("a")
    epoch = log.room("a").epoch
    async with running_rooms(log) as rooms, rooms.prepare(["a", "b"]):
        for count, after in [(1, 3), (2, 2), (1000, 2)]:
            assert rooms.join(Subscriber(log), "a", Rewind(count)) == JoinResult(
                epoch, 4, after=after
            )
        nothing = rooms.join(Subscriber(log), "b", Rewind(5))
        assert nothing == JoinResult(log.room("b").epoch, 0, after=0)


@virtually
async def test_a_room_cannot_be_joined_unprepared() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        await join(rooms, log, "a")
        with pytest.raises(ValueError, match="expected a room that is prepared"):
            rooms.join(Subscriber(log), "a", None)


@virtually
async def test_a_room_exists_while_it_has_members_or_is_being_prepared() -> None:
    log = InProcessLog()
    heard: list[str] = []
    async with running_rooms(
        log,
        on_open=lambda name: heard.append(f"+{name}"),
        on_close=lambda name: heard.append("-" + name),
    ) as rooms:
        async with rooms.prepare(["a", "b"]):
            assert heard == ["+a", "+b"]
        assert heard == ["+a", "+b", "-a", "-b"]
        first = await join(rooms, log, "a")
        async with rooms.prepare(["a"]):
            rooms.leave_all(first, ["a"])
            assert list(rooms.names()) == ["a"]
            rooms.join(first, "a", None)
        rooms.leave(Subscriber(log), "a")
        rooms.leave(Subscriber(log), "z")
        assert heard[4:] == ["+a"]
        rooms.leave(first, "a")
        assert heard[5:] == ["-a"]


@virtually
async def test_a_failed_or_cancelled_join_leaves_no_room() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        log.error = StoreUnavailable("down")
        with pytest.raises(StoreUnavailable):
            await join(rooms, log, "a", "b")
        assert not list(rooms.names())
        log.error, log.latency = None, 5.0
        task = asyncio.create_task(join(rooms, log, "a"))
        await asyncio.sleep(0.01)
        assert list(rooms.names()) == ["a"]
        task.cancel()
        await asyncio.wait([task])
        assert not list(rooms.names())


@virtually
async def test_joins_of_one_moment_share_a_call() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        own = [f"user:{number}" for number in range(MAX_BATCH + 50)]
        await asyncio.gather(*(join(rooms, log, name, "lobby") for name in own))
        assert [len(call) for call in log.ends_calls] == [MAX_BATCH, 52]


class Slow(InProcessLog):
    """A log whose answers are a second old."""

    async def ends(self, rooms: Sequence[str], *, keep: bool = True) -> Mapping[str, LogEnd]:
        ends = await super().ends(rooms, keep=keep)
        await asyncio.sleep(1.0)
        return ends


@virtually
async def test_a_call_under_way_does_not_serve_later_joins() -> None:
    """They may have got more since, from another worker."""
    log = Slow()
    async with running_rooms(log) as rooms:
        early = asyncio.create_task(join(rooms, log, "a"))
        await asyncio.sleep(0.5)
        log.put("a")
        position = Position(log.room("a").epoch, 1)
        late = await join(rooms, log, "a", at={"a": position})
        assert late.positions["a"] == position
        await early


@virtually
async def test_a_join_after_a_restart_reports_the_new_log() -> None:
    log = InProcessLog()
    log.put("a")
    async with running_rooms(log) as rooms:
        first = await join(rooms, log, "a")
        log.room("a").restart()
        second = await join(rooms, log, "a", at=dict(first.positions))
        assert first.gaps == [("a", Gap.EPOCH_CHANGED)]
        assert second.gaps == []
        assert first.positions == second.positions == {"a": log.room("a").end.top}


@virtually
async def test_a_join_fails_while_the_store_cannot_resolve_a_conflict() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        await join(rooms, log, "a")
        log.room("a").restart()
        log.latency = 0.2
        task = asyncio.create_task(join(rooms, log, "a"))
        while not log.reads:
            await asyncio.sleep(0.001)
        log.error = StoreUnavailable("down")
        with pytest.raises(StoreUnavailable):
            await task


@virtually
async def test_a_hinted_publication_is_delivered_without_the_store() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        subscriber = await join(rooms, log, "a")
        rooms.on_publication(hint(log, "a"))
        rooms.on_publication(hint(log, "z"))
        await asyncio.sleep(0.01)
        assert subscriber.offsets == [1]
        assert not log.reads


@virtually
async def test_unhinted_publications_are_found_after_a_join_and_with_a_beat() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        subscriber = await join(rooms, log, "a")
        began = now()
        for after in (1.0, 3.0):
            log.put("a")
            await asyncio.sleep(began + after - 0.1 - now())
            assert subscriber.offsets != [entry.offset for entry in log.room("a").kept]
            await asyncio.sleep(0.1 + AUDIT_INTERVAL)
            assert subscriber.offsets == [entry.offset for entry in log.room("a").kept]
        log.put("a")
        await asyncio.sleep(60)
        assert subscriber.offsets == [1, 2]
        rooms.request_audit(["a"])
        await asyncio.sleep(2 * AUDIT_INTERVAL)
        assert subscriber.offsets == [1, 2, 3]


@virtually
async def test_an_incomplete_batch_causes_an_audit() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        subscriber = await join(rooms, log, "a")
        epoch = log.room("a").epoch
        for carried in (0, 1):
            await asyncio.sleep(10)  # so that no other audit helps
            subscriber.unanswered = 0
            entries = tuple(log.put("a") for _ in range(3))
            top = entries[-1].offset
            rooms.on_publication(PublicationBatch("a", epoch, top, entries[:carried]))
            rooms.on_publication(PublicationBatch("z", epoch, top))
            await asyncio.sleep(2 * AUDIT_INTERVAL)
            assert subscriber.offsets == list(range(1, top + 1))


@virtually
async def test_a_log_with_recent_ends_is_polled_every_second() -> None:
    log = InProcessLog()
    log.has_recent = True
    async with running_rooms(log) as rooms:
        subscriber = await join(rooms, log, "a")
        await asyncio.sleep(10)
        log.put("a")
        await asyncio.sleep(RECENT_INTERVAL + 0.1)
        assert subscriber.offsets == [1]
        assert len(log.reads) == 1


@virtually
async def test_a_failed_audit_is_repeated() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        subscriber = await join(rooms, log, "a")
        await asyncio.sleep(10)
        log.put("a")
        log.error = StoreUnavailable("down")
        rooms.request_audit(["a"])
        await asyncio.sleep(10)
        assert subscriber.offsets == []
        log.error = None
        await asyncio.sleep(2)
        assert subscriber.offsets == [1]


@virtually
async def test_many_beats_audit_a_room_once_a_second() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        await join(rooms, log, "a")
        await asyncio.sleep(5)
        log.ends_calls.clear()
        for _ in range(100):
            rooms.request_audit(["a"])
            await asyncio.sleep(0.1)
        assert 9 <= len(log.ends_calls) <= 10


@virtually
async def test_reads_of_a_failing_store_back_off_while_hints_are_delivered() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        subscriber = await join(rooms, log, "a")
        entries = [log.put("a") for _ in range(4)]
        log.error = StoreUnavailable("down")
        began = now()
        rooms.on_publication(hint(log, "a", entries[3]))  # there is a gap before it
        await asyncio.sleep(6)
        pauses = [round(moment - began, 2) for _, moment in log.reads]
        assert pauses == [0.0, 0.25, 0.75, 1.75, 3.75, 5.75]

        for entry in entries[:2]:
            rooms.on_publication(hint(log, "a", entry))
        await asyncio.sleep(0.001)
        assert subscriber.offsets == [1, 2]
        assert len(log.reads) == 6

        log.error = None
        await asyncio.sleep(2)
        assert subscriber.offsets == [1, 2, 3, 4]


@virtually
async def test_a_room_survives_a_defect_of_the_store() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        subscriber = await join(rooms, log, "a")
        await asyncio.sleep(10)  # so that no audit helps
        log.put("a")
        log.error = ValueError("a defect")
        rooms.on_publication(hint(log, "a"))
        await asyncio.sleep(0.1)
        log.error = None
        await asyncio.sleep(1)
        assert subscriber.offsets == [1, 2]


@virtually
async def test_a_slow_reader_is_served_when_it_is_ready() -> None:
    log = InProcessLog()
    async with running_rooms(log) as rooms:
        slow, fast = await join(rooms, log, "a"), await join(rooms, log, "a")
        for _ in range(3 * WINDOW):
            rooms.on_publication(hint(log, "a"))
            await asyncio.sleep(0.01)
            fast.unanswered = 0
        everything = list(range(1, 3 * WINDOW + 1))
        assert fast.offsets == everything
        assert slow.offsets == everything[:WINDOW]
        for _ in range(2):
            slow.unanswered = 0
            rooms.on_ready(slow, ["a", "z"])
            await asyncio.sleep(0.01)
        assert slow.offsets == everything
        rooms.on_publication(hint(log, "a"))
        slow.unanswered = 0
        await asyncio.sleep(0.01)
        assert slow.offsets == fast.offsets
        assert (rooms.deliveries.delivered, rooms.deliveries.replayed) == (
            4 * WINDOW + 2,
            2 * WINDOW,
        )


@virtually
async def test_reads_of_logs_are_limited() -> None:
    log = InProcessLog()
    names = [f"room-{number}" for number in range(3 * MAX_READS)]
    async with running_rooms(log) as rooms:
        subscribers = [await join(rooms, log, name) for name in names]
        log.latency = 0.1
        for name in names:
            log.put(name)
            rooms.on_publication(hint(log, name))
        await asyncio.sleep(5)
        assert [subscriber.offsets for subscriber in subscribers] == [[1, 2]] * len(names)
        assert log.most_reading == MAX_READS


@virtually
async def test_stop_fails_waiting_joins_and_ends_all_tasks() -> None:
    log = InProcessLog()
    rooms = Rooms(log)
    subscriber = await join(rooms, log, "a")
    log.latency = 100.0
    rooms.on_publication(replace(hint(log, "a"), epoch="another epoch"))
    waiting = [asyncio.create_task(join(rooms, log, name)) for name in ("a", "b")]
    await asyncio.sleep(0.01)
    began = now()
    await rooms.stop()
    await asyncio.wait(waiting)
    assert now() == began
    assert [type(task.exception()) for task in waiting] == [WorkerStopped] * 2
    with pytest.raises(StoreUnavailable):
        await join(rooms, log, "c")
    rooms.on_ready(subscriber, ["a"])
    rooms.leave_all(subscriber, ["a"])


@virtually
async def test_the_read_of_a_room_that_was_left_is_not_repeated() -> None:
    log = InProcessLog()
    rooms = Rooms(log)
    subscriber = await join(rooms, log, "a")
    log.error = StoreUnavailable("down")
    rooms.on_publication(replace(hint(log, "a"), epoch="another epoch"))
    await asyncio.sleep(5)
    rooms.leave(subscriber, "a")
    reads = len(log.reads)
    await asyncio.sleep(100)
    assert len(log.reads) == reads
