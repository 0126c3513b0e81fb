"""A whole worker: started, called from threads, drained in order."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from django.test import override_settings

from realtime import api, composition, signals
from realtime.bus import publication_batches
from realtime.bus.counters import outside_workers
from realtime.bus.hints import Hint, HintKind, parse_message
from realtime.bus.publication_batches import PublicationBatch
from realtime.events import signal_dispatch
from realtime.protocol.messages import Hello, Resume
from realtime.protocol.position import Gap, Position
from realtime.publish.background_loop import background
from realtime.security.authentication import ANONYMOUS
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Peer, WorkerReport
from realtime.worker import instances
from realtime.worker.admission.refusals import Reason
from realtime.worker.rooms.encoding import EncodedPublication
from realtime.worker.runtime import Runtime
from tests.polling import TIMEOUT, eventually_in_loop

from .conftest import QUICK, FakeApplication, handlers_of
from .fakes import FakeTransport, connect

NextHint = Callable[[], Awaitable[Hint | None]]


async def admit(worker: Runtime, transport: FakeTransport) -> str:
    session = await worker.admission.admit(
        connect(transport), Hello(protocol=1), handlers_of(FakeApplication(Peer(user="1")))
    )
    assert session is not None
    return session.id


async def test_a_started_worker_has_a_lease_and_is_ready(worker: Runtime) -> None:
    assert (worker.alive, worker.ready, worker.beats.healthy) == (True, True, True)
    assert (await worker.store.stats()).workers == 1


@pytest.mark.usefixtures("transactional_db")
async def test_without_a_store_it_starts_and_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("down")

    with monkeypatch.context() as patched:
        patched.setattr("realtime.store.database.store.DatabaseStore.beat", down)
        worker = await instances.start()
    assert (worker.alive, worker.ready) == (True, False)
    await worker.beats.flush()
    assert worker.ready
    await worker.stop()


async def test_a_thread_can_make_the_worker_flush_soon(worker: Runtime) -> None:
    transport = FakeTransport()
    session = await admit(worker, transport)
    await worker.store.request_close(session=session, code=4500, reason="out")
    thread = threading.Thread(target=worker.flush_and_sweep_soon)
    thread.start()
    await eventually_in_loop(lambda: transport.closed == 4500)
    thread.join()


async def test_a_drain_says_goodbye_suspends_and_gives_the_lease_back(worker: Runtime) -> None:
    transports = [FakeTransport() for _ in range(3)]
    for transport in transports:
        await admit(worker, transport)
    await worker.drain()
    assert [transport.closed for transport in transports] == [4001] * 3
    assert transports[0].goodbye["delay"] == [0, 2000]
    stats = await asyncio.to_thread(composition.blocking_store().stats)
    assert (stats.connected, stats.suspended, stats.workers) == (0, 3, 0)


async def test_a_drain_begins_with_not_ready(worker: Runtime) -> None:
    worker.draining = True
    assert (worker.alive, worker.ready) == (True, False)


async def test_a_drain_leaves_no_task_behind(worker: Runtime) -> None:
    await admit(worker, FakeTransport())
    await worker.drain()
    left = [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("realtime")]
    assert left == []


async def test_a_drain_does_not_wait_for_a_stalled_reader(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.worker.runtime.WRITE_TIMEOUT", 0.01)
    stalled, good = FakeTransport(), FakeTransport()
    stalled.open.clear()
    await admit(worker, stalled)
    await admit(worker, good)
    await worker.drain()
    assert good.closed == 4001
    stalled.open.set()
    await eventually_in_loop(lambda: stalled.closed)


async def test_a_drain_does_not_wait_for_a_store_that_hangs(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: Any) -> None:
        await asyncio.Event().wait()

    transport = FakeTransport()
    await admit(worker, transport)
    monkeypatch.setattr("realtime.worker.runtime.STORE_TIMEOUT", 0.01)
    monkeypatch.setattr("realtime.worker.runtime.LEAVE_TIMEOUT", 0.01)
    monkeypatch.setattr(worker.store, "suspend", hang)
    monkeypatch.setattr(worker.store, "leave", hang)
    await worker.drain()
    assert transport.closed == 4001


async def test_opened_and_resumed_sessions_are_announced(worker: Runtime) -> None:
    heard: list[tuple[str, str]] = []

    def opened(session: Any, **_: Any) -> None:
        heard.append(("opened", session.id))

    signals.session_opened.connect(opened)
    try:
        session = await admit(worker, FakeTransport())
        await eventually_in_loop(lambda: heard)
    finally:
        signals.session_opened.disconnect(opened)
    assert heard == [("opened", session)]


async def test_an_empty_key_is_anonymous(worker: Runtime) -> None:
    assert await worker.login_store.login("") == ANONYMOUS


async def test_a_login_that_cannot_be_known_is_a_store_out_of_reach(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(worker.context.threads.logins, "run", hang)
    with (
        override_settings(REALTIME={**QUICK, "STORE_TIMEOUT": 0.01}),
        pytest.raises(StoreUnavailable),
    ):
        await worker.login_store.login("a" * 32)


async def test_a_suspended_session_is_closed_soon_as_well(transactional_db: None) -> None:
    with override_settings(REALTIME={**QUICK, "SWEEP_INTERVAL": 3600.0}):
        worker = await instances.start()
        transport = FakeTransport()
        session = await admit(worker, transport)
        worker.hub.on_disconnect(next(iter(worker.hub.connected())), 1006)
        await eventually_in_loop(lambda: len(worker.disconnects) == 0)
        await worker.store.request_close(session=session, code=4500, reason="out")
        worker.flush_and_sweep_soon()
        while await worker.store.get(session):
            await asyncio.sleep(0.01)
        await worker.stop()


def test_a_call_for_a_loop_that_has_ended_is_no_error(transactional_db: None) -> None:
    async def begin() -> Runtime:
        return await instances.start()

    with override_settings(REALTIME=QUICK), asyncio.Runner() as runner:
        worker = runner.run(begin())
        runner.run(worker.stop())
    worker.flush_and_sweep_soon()


# Hints


@pytest.fixture
async def next_hint(worker: Runtime) -> AsyncIterator[NextHint]:
    """The next hint that another worker receives."""
    layer = composition.channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(composition.workers_group(), channel)

    async def hear() -> Hint | None:
        async with asyncio.timeout(TIMEOUT):
            hint = parse_message(await layer.receive(channel), composition.signer())
            assert not isinstance(hint, PublicationBatch)
            return hint

    yield hear
    await layer.group_discard(composition.workers_group(), channel)


async def test_a_hint_of_another_worker_closes_soon(worker: Runtime) -> None:
    transport = FakeTransport()
    session = await admit(worker, transport)
    await worker.store.request_close(session=session, code=4500, reason="out")
    hint = Hint(HintKind.CLOSING, (session,))
    await composition.channel_layer().group_send(composition.workers_group(), hint.message())
    await eventually_in_loop(lambda: transport.closed == 4500)


async def test_a_resume_sends_a_hint(worker: Runtime, next_hint: NextHint) -> None:
    transport = FakeTransport()
    session = await admit(worker, transport)
    await eventually_in_loop(lambda: transport.messages)
    resume = Resume(session=session, token=transport.messages[0]["token"])
    hello = Hello(protocol=1, resume=resume)
    handlers = handlers_of(FakeApplication(Peer(user="1")))
    await worker.admission.admit(connect(FakeTransport()), hello, handlers)
    assert await next_hint() == Hint(HintKind.RESUMED, (session,))


async def test_a_kick_in_this_process_goes_through_its_worker(
    worker: Runtime, next_hint: NextHint
) -> None:
    session = await admit(worker, FakeTransport())
    background.stop()
    assert await api.akick(session)
    assert await next_hint() == Hint(HintKind.CLOSING, (session,))
    assert background._thread is None


async def test_hints_without_a_channel_layer_do_not_wait(transactional_db: None) -> None:
    with override_settings(CHANNEL_LAYERS={}, REALTIME=QUICK):
        worker = await instances.start()
        worker.bus.notify(HintKind.CLOSING, ["a" * 32])
        await worker.stop()


async def test_several_workers_that_cannot_reach_each_other_are_warned_about(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(REALTIME={"FLUSH_INTERVAL": 0.05, "LEASE": 0.5, "SWEEP_INTERVAL": 0}):
        worker = await instances.start()
        while not caplog.messages:
            await worker.store.beat(WorkerReport("another", "host", 2, 0), ())
            await asyncio.sleep(0.01)
        await worker.stop()
    (said,) = caplog.messages
    assert said.startswith("2 workers share this registry")


# Publications


class Guest:
    """A member of a room that takes every publication."""

    def __init__(self) -> None:
        self.offsets: list[int] = []

    def offer(self, room: str, publication: EncodedPublication, *, replayed: bool) -> bool:
        self.offsets.append(publication.offset)
        return True

    def on_gap(self, room: str, top: Position, gap: Gap) -> None:
        raise AssertionError(f"{room}: {gap}")


async def test_publications_of_a_thread_reach_the_process_s_own_worker(
    worker: Runtime,
) -> None:
    guest = Guest()
    async with worker.rooms.prepare(["r"]):
        worker.rooms.join(guest, "r", None)

    def publish() -> None:
        for number in range(20):
            api.publish("r", number)

    await asyncio.to_thread(publish)
    await eventually_in_loop(lambda: guest.offsets == list(range(1, 21)))
    assert worker.publisher.published == 20


async def test_a_worker_counts_its_ticks_and_refusals(worker: Runtime) -> None:
    worker.refusals.record(Reason.ORIGIN)
    await eventually_in_loop(lambda: worker.statistics.ticks.ticks > 1)
    assert worker.statistics.refused == {"origin": 1}
    assert 0 < worker.statistics.ticks.longest <= worker.statistics.ticks.seconds


async def test_a_worker_shows_the_counters_of_its_parts(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_dispatch, "MAX_QUEUED", 0)
    monkeypatch.setattr(publication_batches, "MAX_ROOMS", 1)
    worker.context.dispatcher.dispatch("a", lambda: None)
    batches = [PublicationBatch(room, "e", 1) for room in "ab"]
    worker.publisher.announce_from_thread(batches, timeout=0.0)
    assert worker.statistics.signals.dropped == 1
    assert worker.statistics.from_threads.cut == 1
    assert worker.statistics.handler_threads is worker.handler_threads.counters
    assert worker.statistics.outside_workers is outside_workers
