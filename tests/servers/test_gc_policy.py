"""Full collections: rare while connections come, and not for ever away."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from realtime.servers.common.gc_policy import BLOCKS_PER_CONNECTION, NEVER, SPARE, GCPolicy


class Cycle:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.me = self


class Memory:
    """Blocks as a test says."""

    def __init__(self) -> None:
        self.blocks = 1_000_000

    def __call__(self) -> int:
        return self.blocks


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The collector as it was."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture
def collector(memory: Memory) -> GCPolicy:
    return GCPolicy(memory)


def old_garbage() -> "weakref.ref[Cycle]":
    """A cycle that the short collections have been past."""
    cycle = Cycle()
    gc.collect(1)
    return weakref.ref(cycle)


def test_full_collections_are_taken_over(collector: GCPolicy) -> None:
    before = gc.get_threshold()
    collector.start()
    assert gc.get_threshold() == (*before[:2], NEVER)
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize("chosen", [(700, 10, 50), (50_000, 10, 10)])
def test_an_application_that_has_chosen_is_left_alone(
    collector: GCPolicy, memory: Memory, chosen: tuple[int, int, int]
) -> None:
    gc.set_threshold(*chosen)
    collector.start()
    garbage = old_garbage()
    memory.blocks *= 10
    collector.check(0)
    assert gc.get_threshold() == chosen
    assert garbage() is not None


def test_memory_that_cannot_be_counted_is_left_to_python(
    collector: GCPolicy, memory: Memory
) -> None:
    before, memory.blocks = gc.get_threshold(), 0
    collector.start()
    assert gc.get_threshold() == before


def test_what_connections_weigh_is_not_looked_at(collector: GCPolicy, memory: Memory) -> None:
    collector.start()
    garbage = old_garbage()
    memory.blocks += SPARE + BLOCKS_PER_CONNECTION * 10_000
    collector.check(10_000)
    assert garbage() is not None


def test_more_than_they_weigh_is_looked_at(collector: GCPolicy, memory: Memory) -> None:
    collector.start()
    garbage = old_garbage()
    memory.blocks += SPARE + BLOCKS_PER_CONNECTION * 10_000 + 1
    collector.check(10_000)
    assert garbage() is None


def test_those_that_have_just_gone_count_a_while(collector: GCPolicy, memory: Memory) -> None:
    collector.start()
    collector.check(10_000)
    garbage = old_garbage()
    memory.blocks += SPARE + BLOCKS_PER_CONNECTION * 5_000
    collector.check(0)
    assert garbage() is not None
    for _ in range(20):
        collector.check(0)
    assert garbage() is None


def test_what_stays_may_double(collector: GCPolicy, memory: Memory) -> None:
    collector.start()
    memory.blocks += 1_000_000
    collector.check(0)
    garbage = old_garbage()
    memory.blocks += 1_000_000 + SPARE
    collector.check(0)
    assert garbage() is not None
    memory.blocks += 1
    collector.check(0)
    assert garbage() is None


def test_what_connections_weigh_is_not_added_to_what_stays(
    collector: GCPolicy, memory: Memory
) -> None:
    """Else three times their weight might gather after a full collection."""
    collector.start()
    memory.blocks += SPARE + BLOCKS_PER_CONNECTION * 10_000 + 1
    collector.check(10_000)
    memory.blocks = 1_000_000 + 230 * 10_000  # the rest was garbage
    collector.check(10_000)
    garbage = old_garbage()
    memory.blocks = 1_000_000 + SPARE + BLOCKS_PER_CONNECTION * 10_000 + 1
    collector.check(10_000)
    assert garbage() is None


def test_what_has_been_freed_is_not_made_up_for(collector: GCPolicy, memory: Memory) -> None:
    """A crowd that was looked at has left: there may not be as much garbage as it weighed."""
    collector.start()
    memory.blocks += 3_000_000
    collector.check(0)
    memory.blocks -= 3_000_000
    collector.check(0)
    garbage = old_garbage()
    memory.blocks += SPARE + 1
    collector.check(0)
    assert garbage() is None


def test_cycles_do_not_gather_for_ever() -> None:
    """An application leaves millions of objects in cycles, as each connection of it ends."""
    collector = GCPolicy()
    collector.start()
    most, base = 0, collector._blocks()
    for _ in range(40):
        left = [Cycle() for _ in range(20_000)]
        del left
        most = max(most, collector._blocks() - base)
        collector.check(0)
    assert most < SPARE + 200_000
