"""When the client comes back: by the close code, with the vectors of the browser client."""

import json
from pathlib import Path
from typing import Any

import pytest

from realtime.client.backoff import Backoff
from realtime.client.schedule import SETTLED, ReconnectSchedule, behaviour

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "close_codes.json").read_text())


def schedule(**options: Any) -> ReconnectSchedule:
    return ReconnectSchedule(Backoff(**options), lambda: 0.5)


@pytest.mark.parametrize("row", VECTORS["codes"], ids=lambda row: str(row["code"]))
def test_the_reaction_to_a_code(row: dict[str, Any]) -> None:
    assert behaviour(row["code"]) == row["client"]


def test_pauses_grow_until_a_connection_has_lasted() -> None:
    attempts = schedule(jitter=0)
    assert [attempts.pause_after(1006, None, 0) for _ in range(3)] == [1, 2, 4]
    attempts.on_welcome(10)
    assert attempts.pause_after(1006, None, 10 + SETTLED - 1) == 8
    attempts.on_welcome(20)
    assert attempts.pause_after(1006, None, 20 + SETTLED) == 1


def test_the_server_says_when_to_return() -> None:
    assert schedule().pause_after(1001, [0, 5000], 0) == 2.5
    assert schedule(jitter=0).pause_after(4009, [4000, 6000], 0) == 5


@pytest.mark.parametrize(("base", "pause"), [(1.0, 1.0), (20.0, 10.0)])
def test_after_a_heartbeat_timeout_the_sooner_of_the_two_counts(base: float, pause: float) -> None:
    assert schedule(base=base, jitter=0).pause_after(4002, [0, 20_000], 0) == pause


def test_attempts_in_a_row_are_counted() -> None:
    attempts = schedule(max_attempts=2)
    attempts.on_attempt()
    assert not attempts.exhausted
    attempts.on_welcome(0)
    attempts.on_attempt()
    attempts.on_attempt()
    assert attempts.exhausted
