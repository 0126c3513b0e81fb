"""Workers that tell and hear, through real channel layers and through one that misbehaves."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from realtime.bus import command_queue, listener, node
from realtime.bus.hints import Hint, HintKind, workers_group_name
from realtime.bus.node import FLUSH_INTERVAL, BusNode, leaves_process
from realtime.bus.publication_batches import PublicationBatch
from realtime.bus.signing import Signer
from realtime.store.log import LogEntry
from tests.polling import eventually_in_loop
from tests.redis_server import RedisServer
from tests.worker.fakes import Clock, live, settled

from .layers import LAYERS, Faulty

PREFIX = "realtime"
GROUP = workers_group_name(PREFIX)
SEALS = Signer([b"the project's"])
ID = "a" * 32


class Worker:
    """A messenger with one session, and the times at which it wants to flush."""

    def __init__(self, layer: Any) -> None:
        self.session = live(ID)
        self.flushes: list[float] = []
        self.told: list[PublicationBatch] = []
        self.messenger = BusNode(
            layer,
            SEALS,
            prefix=PREFIX,
            mark_changed=self._mark_changed,
            flush_at=self.flushes.append,
            on_publication=self.told.append,
        )

    def _mark_changed(self, sessions: Sequence[str]) -> bool:
        self.session.changed |= self.session.id in sessions
        return self.session.id in sessions

    @property
    def heard(self) -> int:
        return self.messenger.listener.received

    @property
    def ignored(self) -> int:
        return self.messenger.listener.ignored

    async def joined(self) -> "Worker":
        self.messenger.start()
        await self.messenger.commands.flush(5.0)
        return self


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "FIRST_BACKOFF", 0.001)


@pytest.fixture
def faulty() -> Faulty:
    return Faulty()


@pytest.fixture
async def worker(faulty: Faulty) -> AsyncIterator[Worker]:
    worker = await Worker(faulty).joined()
    yield worker
    await worker.messenger.stop()


@pytest.fixture
async def other(faulty: Faulty) -> AsyncIterator[Worker]:
    worker = await Worker(faulty).joined()
    yield worker
    await worker.messenger.stop()


# On every layer there is


@pytest.mark.parametrize("name", LAYERS)
async def test_all_workers_are_told(name: str, redis_server: RedisServer) -> None:
    redis_server.flush()
    layer = LAYERS[name](redis_server)
    workers = [await Worker(layer).joined() for _ in range(3)]

    def all_were_told() -> bool:
        workers[0].messenger.notify(HintKind.RESUMED, [ID])  # a subscription is not confirmed
        return all(worker.session.changed and worker.flushes for worker in workers)

    await eventually_in_loop(all_were_told)
    for worker in workers:
        await worker.messenger.stop()


def test_only_the_layer_in_memory_stays_in_its_process(redis_server: RedisServer) -> None:
    assert [leaves_process(layer(redis_server)) for layer in LAYERS.values()] == [
        False,
        True,
        True,
    ]


async def test_redis_gone_and_back_is_heard_of_again(redis_server: RedisServer) -> None:
    with RedisServer() as redis:
        worker = await Worker(LAYERS["pubsub"](redis)).joined()
        redis.kill()
        worker.messenger.notify(HintKind.CLOSING, [ID])
        await eventually_in_loop(lambda: worker.messenger.commands.dropped)
        redis.start()

        def told() -> int:
            worker.messenger.notify(HintKind.CLOSING, [ID])
            return worker.heard

        await eventually_in_loop(told)
        await worker.messenger.stop()


async def test_a_redis_that_stands_still_keeps_nobody_waiting() -> None:
    with RedisServer() as redis:
        worker = await Worker(LAYERS["pubsub"](redis)).joined()
        redis.freeze()
        for _ in range(1000):
            worker.messenger.notify(HintKind.RESUMED, [ID])
            worker.messenger.commands.put(worker.messenger.listener._join)
        began = time.monotonic()
        await worker.messenger.stop()
        assert time.monotonic() - began < 2.0
        assert worker.messenger.commands.dropped > 800
        redis.thaw()


# Heeding


async def test_a_hint_about_somebody_here_flushes_with_that_session(worker: Worker) -> None:
    worker.messenger.on_message(Hint(HintKind.CLOSING, ("b", ID)))
    assert worker.session.changed
    assert len(worker.flushes) == 1


async def test_a_hint_about_nobody_here_does_nothing(worker: Worker) -> None:
    worker.messenger.on_message(Hint(HintKind.CLOSING, ("b",)))
    assert not worker.session.changed
    assert worker.flushes == []


async def test_a_hint_about_everybody_flushes_what_there_is(worker: Worker) -> None:
    worker.messenger.on_message(Hint(HintKind.CLOSING))
    assert not worker.session.changed
    assert len(worker.flushes) == 1


async def test_however_many_hints_come_the_flushes_are_few(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(node, "time", clock)
    began = clock.now
    for _ in range(1000):
        worker.messenger.on_message(Hint(HintKind.CLOSING, (ID,)))
        clock.turn(0.001)
    wanted = sorted(set(worker.flushes))
    assert wanted == pytest.approx([began + n * FLUSH_INTERVAL for n in range(5)])
    assert worker.flushes[-1] > clock.now - 0.002  # what was heard last is not forgotten


# Telling


async def test_what_happens_together_is_told_together(worker: Worker, other: Worker) -> None:
    for number in range(150):
        worker.messenger.notify(HintKind.RESUMED, [f"{number:032x}"])
    worker.messenger.notify(HintKind.RESUMED, [ID])
    await eventually_in_loop(lambda: other.session.changed)
    assert other.heard == 1


async def test_many_are_told_at_once_and_at_most_as_many_as_a_hint_names(
    worker: Worker, other: Worker, faulty: Faulty
) -> None:
    for number in range(1000):
        worker.messenger.notify(HintKind.RESUMED, [f"{number:032x}"])
    await eventually_in_loop(lambda: other.heard == 5)
    worker.messenger.notify(HintKind.CLOSING, [f"{number:032x}" for number in range(1000)])
    await eventually_in_loop(lambda: other.flushes)
    assert (other.heard, other.ignored) == (6, 0)


async def test_of_nobody_nothing_is_told(worker: Worker, faulty: Faulty) -> None:
    worker.messenger.notify(HintKind.CLOSING, [])
    await worker.messenger.stop()
    assert "group_send" not in faulty.calls


# A layer that misbehaves


async def test_what_the_layer_loses_is_missed_by_nobody(
    worker: Worker, other: Worker, faulty: Faulty
) -> None:
    faulty.copies = 0
    worker.messenger.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: "group_send" in faulty.calls)
    faulty.copies = 1
    worker.messenger.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: other.heard == 1)


async def test_what_is_doubled_flushes_no_more_often(
    worker: Worker, other: Worker, faulty: Faulty
) -> None:
    faulty.copies = 50
    worker.messenger.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: other.heard == 50)
    assert len(set(other.flushes)) <= 2


async def test_what_is_forged_is_counted_and_nothing_else(
    worker: Worker, faulty: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    forged = [None, 7, b"\xc1", {"type": "websocket.close"}, {"type": "realtime.hint"}]
    for message in forged:
        await faulty.forge(GROUP, message)
    await faulty.forge(
        GROUP, Hint(HintKind.CLOSING, tuple(str(n) for n in range(100_000))).message()
    )
    await eventually_in_loop(lambda: worker.ignored == len(forged) + 1)
    assert (worker.heard, worker.flushes, caplog.messages) == (0, [], [])


@pytest.mark.parametrize("error", [OSError("reset"), KeyError("defect"), asyncio.CancelledError()])
async def test_a_receive_that_ends_is_begun_again(
    error: BaseException, faulty: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    faulty.receive_errors = [error] * 5
    worker = await Worker(faulty).joined()
    await eventually_in_loop(lambda: not faulty.receive_errors)
    worker.messenger.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: worker.heard)
    (said,) = caplog.messages
    assert said.startswith("hints cannot be received: ")
    assert faulty.calls.count("group_add") >= 5  # it may have forgotten us
    await worker.messenger.stop()


async def test_what_cannot_be_read_holds_up_nothing(
    faulty: Faulty, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "FIRST_BACKOFF", 3600.0)
    faulty.receive_errors = [ValueError("no message pack")] * 20
    worker = await Worker(faulty).joined()
    worker.messenger.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: worker.heard)
    assert (worker.ignored, caplog.messages) == (20, [])
    await worker.messenger.stop()


async def test_publications_of_others_are_passed_on_while_somebody_is_in_their_room(
    redis_server: RedisServer,
) -> None:
    redis_server.flush()
    layer = LAYERS["pubsub"](redis_server)
    here, there = await Worker(layer).joined(), await Worker(layer).joined()
    bundle = PublicationBatch("r", "e", 1, (LogEntry(1, 0, "1"),))
    here.messenger.subscribe("r")

    def told() -> list[PublicationBatch]:
        there.messenger.announce(bundle)  # a subscription is not confirmed
        return here.told

    assert (await eventually_in_loop(told))[0] == bundle
    assert there.told == []
    for worker in (here, there):
        await worker.messenger.stop()


async def test_where_nobody_else_can_hear_nothing_is_said_of_publications() -> None:
    layer = InMemoryChannelLayer()
    worker = await Worker(layer).joined()
    worker.messenger.subscribe("r")
    worker.messenger.announce(PublicationBatch("r", "e", 1))
    worker.messenger.unsubscribe("r")
    await settled()
    assert layer.groups.keys() == {GROUP}
    assert worker.messenger.announcer.sent == 0
    await worker.messenger.stop()


async def test_a_layer_that_has_forgotten_a_worker_hears_of_it_again(
    worker: Worker, other: Worker, faulty: Faulty
) -> None:
    faulty.groups.clear()
    await worker.messenger.rejoin()
    await other.messenger.rejoin()
    worker.messenger.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: other.heard)


async def test_a_layer_out_of_reach_at_the_start_is_joined_later(faulty: Faulty) -> None:
    faulty.raising = ConnectionError("refused")
    worker = await Worker(faulty).joined()
    faulty.raising = None
    await worker.messenger.rejoin()
    worker.messenger.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: worker.heard)
    await worker.messenger.stop()


async def test_a_stop_leaves_the_group_and_no_task(worker: Worker, faulty: Faulty) -> None:
    worker.messenger.notify(HintKind.CLOSING, [ID])
    await worker.messenger.stop()
    assert faulty.groups == {}
    left = [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("realtime")]
    assert left == []
    await asyncio.sleep(2 * node.HINT_DELAY)
    assert "group_send" not in faulty.calls


async def test_a_stop_does_not_wait_for_a_layer_that_hangs(worker: Worker, faulty: Faulty) -> None:
    faulty.hanging = True
    began = time.monotonic()
    await worker.messenger.stop()
    assert time.monotonic() - began < 3 * command_queue.STOP_TIMEOUT
