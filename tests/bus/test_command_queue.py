"""The line to the channel layer: in order, one at a time, and nobody waits for it."""

import asyncio
import logging

import pytest

from realtime.bus import command_queue as module
from realtime.bus.command_queue import MAX_COMMANDS, LayerCommandQueue, OutageLog
from tests.polling import eventually_in_loop
from tests.worker.fakes import Clock


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND_TIMEOUT", 0.02)


class Commands:
    """Commands for a line: they work, hang or raise as they are told."""

    def __init__(self) -> None:
        self.under_way = 0
        self.given: list[int] = []

    def work(self, number: int) -> module.Command:
        async def command() -> None:
            self.under_way += 1
            assert self.under_way == 1
            await asyncio.sleep(0)
            self.given.append(number)
            self.under_way -= 1

        return command

    async def hang(self) -> None:
        await asyncio.Event().wait()

    async def fail(self) -> None:
        raise OSError("no way")


@pytest.fixture
def commands() -> Commands:
    return Commands()


async def test_commands_are_given_in_order_and_one_at_a_time(commands: Commands) -> None:
    line = LayerCommandQueue()
    for number in range(50):
        line.put(commands.work(number))
    await line.flush(5.0)
    assert commands.given == list(range(50))
    assert (line.sent, line.dropped, line.busy) == (50, 0, False)


async def test_one_that_hangs_costs_nothing_but_itself(commands: Commands) -> None:
    line = LayerCommandQueue()
    line.put(commands.hang)
    line.put(commands.work(1))
    await line.flush(5.0)
    assert (commands.given, line.sent, line.dropped) == ([1], 1, 1)


async def test_when_too_many_wait_a_new_one_is_dropped(commands: Commands) -> None:
    line = LayerCommandQueue()
    for number in range(MAX_COMMANDS + 5):
        line.put(commands.work(number))
    assert line.dropped == 5
    await line.flush(5.0)
    assert commands.given == list(range(MAX_COMMANDS))


async def test_an_outage_is_said_once_and_its_end_once(
    commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    line = LayerCommandQueue()
    for command in (commands.fail, commands.hang, commands.fail, commands.work(1)):
        line.put(command)
    await line.flush(5.0)
    line.put(commands.work(2))
    await line.flush(5.0)
    first, second = caplog.messages
    assert first.startswith("hints cannot be sent: no way")
    assert second.startswith("hints cannot be sent: resolved after")


async def test_a_stop_drops_what_waits_and_ends_what_is_under_way(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMAND_TIMEOUT", 60.0)
    line = LayerCommandQueue()
    line.put(commands.hang)
    line.put(commands.work(1))
    await line.flush(0.01)
    await line.stop()
    assert (commands.given, line.busy) == ([], False)


async def test_a_layer_that_cancels_a_command_stops_no_other(commands: Commands) -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    line = LayerCommandQueue()
    line.put(cancelled)
    await eventually_in_loop(lambda: not line.busy)
    line.put(commands.work(1))
    await line.flush(5.0)
    assert commands.given == [1]


async def test_something_works_again_when_it_has_done_so_for_a_while(
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
