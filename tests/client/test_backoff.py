"""Pauses between attempts, with the vectors that also test the browser client."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from realtime.client import Backoff
from realtime.client.schedule import delay_within

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "backoff.json").read_text())


def backoff(options: dict[str, float]) -> Backoff:
    given = VECTORS["defaults"] | options
    return Backoff(given["base"] / 1000, given["factor"], given["cap"] / 1000, given["jitter"])


def test_the_defaults_are_those_of_the_browser_client() -> None:
    assert Backoff() == backoff({})
    assert Backoff().max_attempts == math.inf


@pytest.mark.parametrize(("options", "failures", "draw", "delay"), VECTORS["delays"])
def test_a_delay(options: dict[str, float], failures: int, draw: float, delay: float) -> None:
    assert backoff(options).delay(failures, lambda: draw) * 1000 == pytest.approx(delay)


@pytest.mark.parametrize(("window", "draw", "delay"), VECTORS["windows"])
def test_a_delay_within_the_server_s_window(window: Any, draw: float, delay: float | None) -> None:
    found = delay_within(window, lambda: draw)
    assert (found if found is None else found * 1000) == delay


def test_it_iterates_over_the_pauses_between_a_number_of_attempts() -> None:
    assert list(Backoff(jitter=0, max_attempts=4)) == [1, 2, 4]
    assert list(Backoff(max_attempts=1)) == []
    assert all(0 <= pause <= 2**n for n, pause in enumerate(Backoff(max_attempts=6)))


@pytest.mark.parametrize("options", [{"base": -1}, {"factor": 0}, {"cap": -1}, {"jitter": 2}])
def test_numbers_that_make_no_pause_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Backoff(**options)
