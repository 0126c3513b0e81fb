"""How many connections of one address may be silent."""

import pytest

from realtime.worker.admission.ungreeted import UngreetedLimit


def test_one_more_than_may_be_is_turned_away() -> None:
    ungreeted = UngreetedLimit(2)
    silences = [ungreeted.admit("a") for _ in range(3)]
    assert silences[2] is None
    assert ungreeted.admit("b")


def test_who_has_said_hello_or_has_ended_counts_no_more() -> None:
    ungreeted = UngreetedLimit(1)
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
    ungreeted = UngreetedLimit(1)
    for number in range(100):
        with ungreeted.admit(str(number)) or pytest.fail("refused"):
            ungreeted.admit(str(number))
    assert not ungreeted._silent


def test_zero_is_no_limit() -> None:
    ungreeted = UngreetedLimit(0)
    assert all(ungreeted.admit("a") for _ in range(1000))
