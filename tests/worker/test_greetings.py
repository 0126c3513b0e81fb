"""How many connections of one address may be silent."""

import logging

import pytest

from realtime.worker.greetings import COMPLAIN_EVERY, Ungreeted


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_more_than_may_be_is_turned_away() -> None:
    ungreeted = Ungreeted(2)
    silences = [ungreeted.admit("a") for _ in range(3)]
    assert silences[2] is None
    assert ungreeted.admit("b")


def test_who_has_said_hello_or_has_ended_counts_no_more() -> None:
    ungreeted = Ungreeted(1)
    for _ in range(3):
        silence = ungreeted.admit("a")
        assert silence
        with silence:
            assert ungreeted.admit("a") is None
            silence.over()
            silence.over()
            with ungreeted.admit("a") or pytest.fail("refused"):
                assert ungreeted.admit("a") is None


def test_nothing_is_kept_of_places_without_silent_connections() -> None:
    ungreeted = Ungreeted(1)
    for number in range(100):
        with ungreeted.admit(str(number)) or pytest.fail("refused"):
            ungreeted.admit(str(number))
    assert not ungreeted._silent


def test_zero_is_no_limit() -> None:
    ungreeted = Ungreeted(0)
    assert all(ungreeted.admit("a") for _ in range(1000))


def test_it_is_logged_and_not_for_each(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    ungreeted = Ungreeted(1, clock=clock)
    ungreeted.admit("198.51.100.7")
    with caplog.at_level(logging.WARNING, "realtime.sessions"):
        for clock.now in (0.0, 1.0, COMPLAIN_EVERY - 0.1, COMPLAIN_EVERY):
            assert ungreeted.admit("198.51.100.7") is None
    assert len(caplog.records) == 2
    assert "198.51.100.7" in caplog.text
    assert "MAX_UNGREETED" in caplog.text
