"""The queue of commands to the channel layer: in order, one at a time, without waiting."""

import asyncio
import logging

import pytest

from realtime.bus import command_queue as module
from realtime.bus.command_queue import MAX_COMMANDS, LayerCommandQueue, OutageLog
from realtime.bus.counters import BusCounters
from tests.polling import eventually_in_loop
from tests.worker.fakes import Clock


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND_TIMEOUT", 0.02)


class Commands:
    """Commands that work, hang or raise."""

    def __init__(self) -> None:
        self.running = 0
        self.completed: list[int] = []

    def work(self, number: int) -> module.Command:
        async def command() -> None:
            self.running += 1
            assert self.running == 1
            await asyncio.sleep(0)
            self.completed.append(number)
            self.running -= 1

        return command

    async def hang(self) -> None:
        await asyncio.Event().wait()

    async def fail(self) -> None:
        raise OSError("no way")


@pytest.fixture
def commands() -> Commands:
    return Commands()


async def test_commands_run_in_order_and_one_at_a_time(commands: Commands) -> None:
    counters = BusCounters()
    queue = LayerCommandQueue(counters)
    for number in range(50):
        queue.put(commands.work(number))
    await queue.flush(5.0)
    assert commands.completed == list(range(50))
    assert (queue.busy, counters) == (False, BusCounters(commands_sent=50))


@pytest.mark.usefixtures("short")
async def test_a_command_that_hangs_is_dropped_and_delays_no_other_for_long(
    commands: Commands,
) -> None:
    counters = BusCounters()
    queue = LayerCommandQueue(counters)
    queue.put(commands.hang)
    queue.put(commands.work(1))
    await queue.flush(5.0)
    assert (commands.completed, counters) == ([1], BusCounters(commands_sent=1, commands_dropped=1))


async def test_a_full_queue_drops_new_commands(commands: Commands) -> None:
    counters = BusCounters()
    queue = LayerCommandQueue(counters)
    for number in range(MAX_COMMANDS + 5):
        queue.put(commands.work(number))
    assert counters.commands_dropped == 5
    await queue.flush(5.0)
    assert commands.completed == list(range(MAX_COMMANDS))


@pytest.mark.usefixtures("short")
async def test_an_outage_and_its_end_are_logged_once_each(
    commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    queue = LayerCommandQueue(BusCounters())
    for command in (commands.fail, commands.hang, commands.fail, commands.work(1)):
        queue.put(command)
    await queue.flush(5.0)
    queue.put(commands.work(2))
    await queue.flush(5.0)
    first, second = caplog.messages
    assert first.startswith("hints cannot be sent: no way")
    assert second.startswith("hints cannot be sent: resolved after")


async def test_stop_drops_queued_commands_and_cancels_the_running_one(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMAND_TIMEOUT", 60.0)
    queue = LayerCommandQueue(BusCounters())
    queue.put(commands.hang)
    queue.put(commands.work(1))
    await queue.flush(0.01)
    await queue.stop()
    assert (commands.completed, queue.busy) == ([], False)


async def test_a_layer_that_cancels_a_command_does_not_stop_the_queue(commands: Commands) -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    queue = LayerCommandQueue(BusCounters())
    queue.put(cancelled)
    await eventually_in_loop(lambda: not queue.busy)
    queue.put(commands.work(1))
    await queue.flush(5.0)
    assert commands.completed == [1]


async def test_an_outage_ends_after_a_steady_time_without_failures(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    outage = OutageLog("it", steady=30.0)
    for _ in range(10):  # fails every five seconds, works in between
        outage.on_failure(TimeoutError())
        clock.turn(5.0)
        outage.on_success()
    clock.turn(30.0)
    outage.on_success()
    outage.on_success()
    assert [line.partition(";")[0] for line in caplog.messages] == [
        "it: TimeoutError",
        "it: resolved after 80.0 s",
    ]
