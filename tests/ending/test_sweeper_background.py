"""Sessions that a worker finishes in the background, without a database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from realtime.ending import sweeper as module
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.store.contract import StoreUnavailable
from realtime.store.database.transaction import Database
from realtime.store.records import Peer, Session, SessionState


def ended(count: int) -> list[Session]:
    closing, peer = SessionState.CLOSING, Peer()
    return [Session(f"s{n}", closing, 1, "", peer, 1, 1, last_beat=1) for n in range(count)]


class ScriptedSweeper(Sweeper):
    """Records what it is to finish. Each attempt waits for ``gate``, and raises the next failure,
    if one is left."""

    def __init__(self) -> None:
        unused: Any = None
        history = History(Database("default"), days=1)
        super().__init__(unused, history, unused, unused, claimant="w1")
        self.failures: list[Exception] = []
        self.attempts: list[int] = []  # sessions in each
        self.gate = asyncio.Event()
        self.gate.set()

    async def finish(self, claimed: Sequence[Session]) -> int:
        self.attempts.append(len(claimed))
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop()
        return len(claimed)


@pytest.fixture
async def sweeper(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedSweeper]:
    monkeypatch.setattr(module, "RETRY_DELAYS", (0.0, 0.0, 0.0))
    sweeper = ScriptedSweeper()
    yield sweeper
    await sweeper.stop()


async def test_a_store_that_is_away_is_tried_again(sweeper: ScriptedSweeper) -> None:
    sweeper.failures = [StoreUnavailable("down"), StoreUnavailable("down")]
    sweeper.finish_in_background(ended(2))
    await sweeper.settle(10.0)
    assert sweeper.attempts == [2, 2, 2]


async def test_after_the_last_attempt_it_is_left_to_a_sweep(
    sweeper: ScriptedSweeper, caplog: pytest.LogCaptureFixture
) -> None:
    sweeper.failures = [StoreUnavailable("down") for _ in range(4)]
    sweeper.finish_in_background(ended(1))
    await sweeper.settle(10.0)
    assert (sweeper.attempts, caplog.messages) == ([1, 1, 1], [])


async def test_a_defect_is_logged_and_not_repeated(
    sweeper: ScriptedSweeper, caplog: pytest.LogCaptureFixture
) -> None:
    sweeper.failures = [ZeroDivisionError("a defect")]
    sweeper.finish_in_background(ended(1))
    await sweeper.settle(10.0)
    assert sweeper.attempts == [1]
    assert caplog.messages == ["ended sessions could not be finished; a sweep will try again"]


async def test_the_sessions_that_are_finished_at_once_are_bounded(
    sweeper: ScriptedSweeper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_FINISHING", 3)
    sweeper.gate.clear()
    for count in (1, 2, 1):
        sweeper.finish_in_background(ended(count))
    assert len(caplog.messages) == 1
    sweeper.gate.set()
    await sweeper.settle(10.0)
    assert sweeper.attempts == [1, 2]
    sweeper.finish_in_background(ended(3))
    await sweeper.settle(10.0)
    assert sweeper.attempts == [1, 2, 3]


async def test_without_sessions_no_task_begins(sweeper: ScriptedSweeper) -> None:
    sweeper.finish_in_background([])
    await sweeper.settle(10.0)
    assert sweeper.attempts == []


async def test_settling_is_bounded_and_stopping_ends_the_tasks(sweeper: ScriptedSweeper) -> None:
    sweeper.gate.clear()
    sweeper.finish_in_background(ended(1))
    await sweeper.settle(0.0)
    before = {task for task in asyncio.all_tasks() if task.get_name() == "realtime-finish"}
    assert len(before) == 1
    await sweeper.stop()
    assert all(task.cancelled() for task in before)
