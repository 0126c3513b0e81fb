"""How much of a connection is read at a time."""

from realtime.servers.common.read_size import LEAST, MOMENT, AdaptiveReadSize


def after(*seconds: float) -> int:
    portion = AdaptiveReadSize(4096)
    for each in seconds:
        portion.took(each)
    return portion.size


def test_at_first_and_of_who_is_quick_as_much_as_may_be() -> None:
    assert after() == after(0.0) == after(0.0, MOMENT / 5) == 4096


def test_of_who_takes_long_half_and_half_again_but_not_nothing() -> None:
    assert after(2 * MOMENT) == 2048
    assert after(*[2 * MOMENT] * 100) == LEAST


def test_who_takes_neither_long_nor_little_has_found_its_measure() -> None:
    assert after(2 * MOMENT, MOMENT / 2) == 2048


def test_who_is_quick_again_has_as_much_again() -> None:
    assert after(2 * MOMENT, 2 * MOMENT, 0.0, 0.0, 0.0) == 4096
