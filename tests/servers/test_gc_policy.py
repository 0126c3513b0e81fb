"""Full collections are rare while connections come, but do happen."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from realtime.servers.common.gc_policy import BLOCKS_PER_CONNECTION, NEVER, SPARE, GCPolicy


class Cycle:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.me = self


class Memory:
    """A number of blocks that a test sets."""

    def __init__(self) -> None:
        self.blocks = 1_000_000

    def __call__(self) -> int:
        return self.blocks


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore the thresholds."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture
def policy(memory: Memory) -> GCPolicy:
    return GCPolicy(memory)


def old_garbage() -> "weakref.ref[Cycle]":
    """A cycle that survived the collections of young objects."""
    cycle = Cycle()
    gc.collect(1)
    return weakref.ref(cycle)


def test_the_policy_takes_over_full_collections(policy: GCPolicy) -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    policy.start()
    assert gc.get_threshold() == (*before[:2], NEVER)
    assert gc.get_freeze_count() > frozen


@pytest.mark.parametrize("chosen", [(700, 10, 50), (50_000, 10, 10)])
def test_thresholds_that_an_application_has_chosen_stay(
    policy: GCPolicy, memory: Memory, chosen: tuple[int, int, int]
) -> None:
    gc.set_threshold(*chosen)
    policy.start()
    garbage = old_garbage()
    memory.blocks *= 10
    policy.check(0)
    assert gc.get_threshold() == chosen
    assert garbage() is not None


def test_python_keeps_collecting_if_blocks_are_not_counted(
    policy: GCPolicy, memory: Memory
) -> None:
    before, memory.blocks = gc.get_threshold(), 0
    policy.start()
    assert gc.get_threshold() == before


def test_the_weight_of_connections_causes_no_collection(policy: GCPolicy, memory: Memory) -> None:
    policy.start()
    garbage = old_garbage()
    memory.blocks += SPARE + BLOCKS_PER_CONNECTION * 10_000
    policy.check(10_000)
    assert garbage() is not None


def test_more_than_their_weight_causes_a_collection(policy: GCPolicy, memory: Memory) -> None:
    policy.start()
    garbage = old_garbage()
    memory.blocks += SPARE + BLOCKS_PER_CONNECTION * 10_000 + 1
    policy.check(10_000)
    assert garbage() is None


def test_connections_that_have_just_ended_count_for_a_while(
    policy: GCPolicy, memory: Memory
) -> None:
    policy.start()
    policy.check(10_000)
    garbage = old_garbage()
    memory.blocks += SPARE + BLOCKS_PER_CONNECTION * 5_000
    policy.check(0)
    assert garbage() is not None
    for _ in range(20):
        policy.check(0)
    assert garbage() is None


def test_memory_that_stays_may_double(policy: GCPolicy, memory: Memory) -> None:
    policy.start()
    memory.blocks += 1_000_000
    policy.check(0)
    garbage = old_garbage()
    memory.blocks += 1_000_000 + SPARE
    policy.check(0)
    assert garbage() is not None
    memory.blocks += 1
    policy.check(0)
    assert garbage() is None


def test_the_weight_of_connections_is_not_added_to_memory_that_stays(
    policy: GCPolicy, memory: Memory
) -> None:
    """Otherwise three times their weight could gather after a full collection."""
    policy.start()
    memory.blocks += SPARE + BLOCKS_PER_CONNECTION * 10_000 + 1
    policy.check(10_000)
    memory.blocks = 1_000_000 + 230 * 10_000  # the rest was garbage
    policy.check(10_000)
    garbage = old_garbage()
    memory.blocks = 1_000_000 + SPARE + BLOCKS_PER_CONNECTION * 10_000 + 1
    policy.check(10_000)
    assert garbage() is None


def test_freed_memory_does_not_raise_the_threshold(policy: GCPolicy, memory: Memory) -> None:
    """After many connections have left, garbage may not gather to their weight."""
    policy.start()
    memory.blocks += 3_000_000
    policy.check(0)
    memory.blocks -= 3_000_000
    policy.check(0)
    garbage = old_garbage()
    memory.blocks += SPARE + 1
    policy.check(0)
    assert garbage() is None


def test_cycles_are_collected_in_time() -> None:
    """An application leaves cycles behind whenever a connection ends."""
    policy = GCPolicy()
    policy.start()
    most, base = 0, policy._blocks()
    for _ in range(40):
        left = [Cycle() for _ in range(20_000)]
        del left
        most = max(most, policy._blocks() - base)
        policy.check(0)
    assert most < SPARE + 200_000
