"""How many connections of one network may not have said hello yet."""

from contextlib import closing

import pytest

from realtime.worker.admission.ungreeted_limit import UngreetedLimit


def test_a_network_gets_no_more_slots_than_the_limit() -> None:
    ungreeted = UngreetedLimit(2)
    slots = [ungreeted.take("a") for _ in range(3)]
    assert slots[2] is None
    assert ungreeted.take("b")


def test_a_slot_is_free_after_hello_or_the_end() -> None:
    ungreeted = UngreetedLimit(1)
    for _ in range(3):
        slot = ungreeted.take("a")
        assert slot
        with closing(slot):
            assert ungreeted.take("a") is None
            slot.close()
            slot.close()
            with closing(ungreeted.take("a") or pytest.fail("refused")):
                assert ungreeted.take("a") is None


def test_networks_without_ungreeted_connections_are_forgotten() -> None:
    ungreeted = UngreetedLimit(1)
    for number in range(100):
        with closing(ungreeted.take(str(number)) or pytest.fail("refused")):
            ungreeted.take(str(number))
    assert not ungreeted._counts


def test_zero_is_no_limit() -> None:
    ungreeted = UngreetedLimit(0)
    assert all(ungreeted.take("a") for _ in range(1000))
