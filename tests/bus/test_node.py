"""Bus nodes that notify each other, through real channel layers and through a faulty one."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from realtime.bus import command_queue, listener
from realtime.bus import node as module
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
SIGNER = Signer([b"the project's"])
ID = "a" * 32


class Worker:
    """A bus node with one session, and the times at which it wants to flush."""

    def __init__(self, layer: Any) -> None:
        self.session = live(ID)
        self.flushes: list[float] = []
        self.batches: list[PublicationBatch] = []
        self.node = BusNode(layer, SIGNER, prefix=PREFIX)

    def _mark_changed(self, sessions: Sequence[str]) -> bool:
        self.session.changed |= self.session.id in sessions
        return self.session.id in sessions

    @property
    def received(self) -> int:
        return self.node.counters.messages_received

    @property
    def ignored(self) -> int:
        return self.node.counters.messages_ignored

    async def start(self) -> "Worker":
        self.node.start(
            mark_changed=self._mark_changed,
            flush_at=self.flushes.append,
            on_publication=self.batches.append,
        )
        await self.node.commands.flush(5.0)
        return self


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "FIRST_BACKOFF", 0.001)


@pytest.fixture
def faulty() -> Faulty:
    return Faulty()


@pytest.fixture
async def worker(faulty: Faulty) -> AsyncIterator[Worker]:
    worker = await Worker(faulty).start()
    yield worker
    await worker.node.stop()


@pytest.fixture
async def other(faulty: Faulty) -> AsyncIterator[Worker]:
    worker = await Worker(faulty).start()
    yield worker
    await worker.node.stop()


# On every layer


@pytest.mark.parametrize("name", LAYERS)
async def test_all_workers_are_notified(name: str, redis_server: RedisServer) -> None:
    redis_server.flush()
    layer = LAYERS[name](redis_server)
    workers = [await Worker(layer).start() for _ in range(3)]

    def all_are_notified() -> bool:
        workers[0].node.notify(HintKind.RESUMED, [ID])  # a subscription is not confirmed
        return all(worker.session.changed and worker.flushes for worker in workers)

    await eventually_in_loop(all_are_notified)
    for worker in workers:
        await worker.node.stop()


def test_only_the_in_memory_layer_stays_in_its_process(redis_server: RedisServer) -> None:
    assert [leaves_process(layer(redis_server)) for layer in LAYERS.values()] == [
        False,
        True,
        True,
    ]


async def test_hints_arrive_again_after_redis_was_gone(redis_server: RedisServer) -> None:
    with RedisServer() as redis:
        worker = await Worker(LAYERS["pubsub"](redis)).start()
        redis.kill()
        worker.node.notify(HintKind.CLOSING, [ID])
        await eventually_in_loop(lambda: worker.node.counters.commands_dropped)
        redis.start()

        def announced() -> int:
            worker.node.notify(HintKind.CLOSING, [ID])
            return worker.received

        await eventually_in_loop(announced)
        await worker.node.stop()


async def test_a_frozen_redis_delays_no_caller() -> None:
    with RedisServer() as redis:
        worker = await Worker(LAYERS["pubsub"](redis)).start()
        redis.freeze()
        for _ in range(1000):
            worker.node.notify(HintKind.RESUMED, [ID])
            worker.node.commands.put(worker.node.listener._join)
        began = time.monotonic()
        await worker.node.stop()
        assert time.monotonic() - began < 2.0
        assert worker.node.counters.commands_dropped > 800
        redis.thaw()


# Receiving


async def test_a_hint_about_a_session_here_flushes_with_it(worker: Worker) -> None:
    worker.node.on_hint(Hint(HintKind.CLOSING, ("b", ID)))
    assert worker.session.changed
    assert len(worker.flushes) == 1


async def test_a_hint_about_sessions_elsewhere_does_nothing(worker: Worker) -> None:
    worker.node.on_hint(Hint(HintKind.CLOSING, ("b",)))
    assert not worker.session.changed
    assert worker.flushes == []


async def test_a_hint_without_names_causes_a_flush(worker: Worker) -> None:
    worker.node.on_hint(Hint(HintKind.CLOSING))
    assert not worker.session.changed
    assert len(worker.flushes) == 1


async def test_many_hints_cause_few_flushes(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    began = clock.now
    for _ in range(1000):
        worker.node.on_hint(Hint(HintKind.CLOSING, (ID,)))
        clock.turn(0.001)
    wanted = sorted(set(worker.flushes))
    assert wanted == pytest.approx([began + n * FLUSH_INTERVAL for n in range(5)])
    assert worker.flushes[-1] > clock.now - 0.002  # the last hint still causes a flush


# Notifying


async def test_sessions_of_one_moment_share_a_hint(worker: Worker, other: Worker) -> None:
    for number in range(150):
        worker.node.notify(HintKind.RESUMED, [f"{number:032x}"])
    worker.node.notify(HintKind.RESUMED, [ID])
    await eventually_in_loop(lambda: other.session.changed)
    assert other.received == 1


async def test_many_sessions_are_sent_in_full_hints(
    worker: Worker, other: Worker, faulty: Faulty
) -> None:
    for number in range(1000):
        worker.node.notify(HintKind.RESUMED, [f"{number:032x}"])
    await eventually_in_loop(lambda: other.received == 5)
    worker.node.notify(HintKind.CLOSING, [f"{number:032x}" for number in range(1000)])
    await eventually_in_loop(lambda: other.flushes)
    assert (other.received, other.ignored) == (6, 0)


async def test_without_sessions_nothing_is_sent(worker: Worker, faulty: Faulty) -> None:
    worker.node.notify(HintKind.CLOSING, [])
    await worker.node.stop()
    assert "group_send" not in faulty.calls


# A faulty layer


async def test_a_lost_hint_does_no_harm(worker: Worker, other: Worker, faulty: Faulty) -> None:
    faulty.copies = 0
    worker.node.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: "group_send" in faulty.calls)
    faulty.copies = 1
    worker.node.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: other.received == 1)


async def test_duplicated_hints_do_not_flush_more_often(
    worker: Worker, other: Worker, faulty: Faulty
) -> None:
    faulty.copies = 50
    worker.node.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: other.received == 50)
    assert len(set(other.flushes)) <= 2


async def test_forged_messages_are_counted_and_ignored(
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
    assert (worker.received, worker.flushes, caplog.messages) == (0, [], [])


@pytest.mark.parametrize("error", [OSError("reset"), KeyError("defect"), asyncio.CancelledError()])
async def test_receiving_starts_again_after_an_error(
    error: BaseException, faulty: Faulty, caplog: pytest.LogCaptureFixture
) -> None:
    faulty.receive_errors = [error] * 5
    worker = await Worker(faulty).start()
    await eventually_in_loop(lambda: not faulty.receive_errors)
    worker.node.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: worker.received)
    (line,) = caplog.messages
    assert line.startswith("hints cannot be received: ")
    assert faulty.calls.count("group_add") >= 5  # the layer may have forgotten the worker
    await worker.node.stop()


async def test_unreadable_messages_delay_no_others(
    faulty: Faulty, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "FIRST_BACKOFF", 3600.0)
    faulty.receive_errors = [ValueError("no message pack")] * 20
    worker = await Worker(faulty).start()
    worker.node.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: worker.received)
    assert (worker.ignored, caplog.messages) == (20, [])
    await worker.node.stop()


async def test_publications_of_subscribed_rooms_are_passed_on(
    redis_server: RedisServer,
) -> None:
    redis_server.flush()
    layer = LAYERS["pubsub"](redis_server)
    here, there = await Worker(layer).start(), await Worker(layer).start()
    batch = PublicationBatch("r", "e", 1, (LogEntry(1, 0, "1"),))
    here.node.subscribe("r")

    def announced() -> list[PublicationBatch]:
        there.node.announce(batch)  # a subscription is not confirmed
        return here.batches

    assert (await eventually_in_loop(announced))[0] == batch
    assert there.batches == []
    for worker in (here, there):
        await worker.node.stop()


async def test_publications_are_not_announced_within_one_process() -> None:
    layer = InMemoryChannelLayer()
    worker = await Worker(layer).start()
    worker.node.subscribe("r")
    worker.node.announce(PublicationBatch("r", "e", 1))
    worker.node.unsubscribe("r")
    await settled()
    assert layer.groups.keys() == {GROUP}
    assert worker.node.counters.batches_sent == 0
    await worker.node.stop()


async def test_rejoin_repeats_a_membership_that_the_layer_forgot(
    worker: Worker, other: Worker, faulty: Faulty
) -> None:
    faulty.groups.clear()
    await worker.node.rejoin()
    await other.node.rejoin()
    worker.node.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: other.received)


async def test_a_layer_out_of_reach_at_the_start_is_joined_later(faulty: Faulty) -> None:
    faulty.raising = ConnectionError("refused")
    worker = await Worker(faulty).start()
    faulty.raising = None
    await worker.node.rejoin()
    worker.node.notify(HintKind.CLOSING, [ID])
    await eventually_in_loop(lambda: worker.received)
    await worker.node.stop()


async def test_stop_leaves_the_group_and_ends_all_tasks(worker: Worker, faulty: Faulty) -> None:
    worker.node.notify(HintKind.CLOSING, [ID])
    await worker.node.stop()
    assert faulty.groups == {}
    left = [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("realtime")]
    assert left == []
    await asyncio.sleep(2 * module.HINT_DELAY)
    assert "group_send" not in faulty.calls


async def test_stop_does_not_wait_for_a_hanging_layer(worker: Worker, faulty: Faulty) -> None:
    faulty.hanging = True
    began = time.monotonic()
    await worker.node.stop()
    assert time.monotonic() - began < 3 * command_queue.STOP_TIMEOUT
