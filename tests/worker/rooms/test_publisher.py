"""A worker's publisher: delivers to rooms here, to other workers, and from threads."""

import asyncio
from typing import cast

import pytest

from realtime.bus.counters import QueueCounters
from realtime.bus.publication_batches import MAX_ENTRIES, PublicationBatch
from realtime.protocol.position import Position
from realtime.store.log import Log, LogEntry, PublishRequest, PublishResult
from realtime.worker.rooms.encoding import encode_publication
from realtime.worker.rooms.publisher import Publisher, batch_of
from realtime.worker.rooms.rooms import Rooms
from tests.polling import eventually_in_loop


class FakeLog:
    """A log of one room that can be appended to."""

    def __init__(self) -> None:
        self.requests: list[PublishRequest] = []
        self.fresh = True

    async def append(self, requests: list[PublishRequest]) -> tuple[PublishResult, ...]:
        self.requests += requests
        return (PublishResult(Position("e", len(self.requests)), 7, fresh=self.fresh),)


class FakeRooms:
    """Records the batches that a worker's rooms get."""

    def __init__(self) -> None:
        self.batches: list[PublicationBatch] = []

    @property
    def offsets(self) -> list[tuple[str, int]]:
        return [(batch.room, entry.offset) for batch in self.batches for entry in batch.entries]

    def on_publication(self, batch: PublicationBatch) -> None:
        self.batches.append(batch)


class Harness:
    """A publisher with a fake log and fake rooms."""

    def __init__(self) -> None:
        self.log, self.rooms = FakeLog(), FakeRooms()
        self.announced: list[PublicationBatch] = []
        log, rooms = cast(Log, self.log), cast(Rooms, self.rooms)
        self.counters = QueueCounters()
        self.publisher = Publisher(log, rooms, self._announce, self.counters)

    def _announce(self, batch: PublicationBatch, *, timeout: float = 0.0) -> None:
        self.announced.append(batch)


@pytest.fixture
async def harness() -> Harness:
    return Harness()


def batch(offset: int, *, room: str = "r") -> PublicationBatch:
    return PublicationBatch(room, "e", offset, (LogEntry(offset, 7, "1"),))


async def test_a_publication_is_appended_delivered_here_and_announced(harness: Harness) -> None:
    result = await harness.publisher.publish("r", "1", "c:7:k")
    assert harness.log.requests == [PublishRequest("r", "1", "c:7:k")]
    assert result.position == Position("e", 1)
    assert harness.rooms.batches == harness.announced == [batch(1)]
    assert harness.publisher.published == 1


async def test_a_repeated_key_delivers_no_entry(harness: Harness) -> None:
    """The log may have other data under this key."""
    harness.log.fresh = False
    await harness.publisher.publish("r", "1", "c:7:k")
    assert harness.rooms.batches == harness.announced == [PublicationBatch("r", "e", 1)]
    assert harness.publisher.published == 0


async def test_publications_of_threads_are_delivered_in_order(harness: Harness) -> None:
    def publish(room: str) -> None:
        for offset in range(1, 501):
            harness.publisher.announce_from_thread([batch(offset, room=room)], timeout=10.0)

    await asyncio.gather(*(asyncio.to_thread(publish, room) for room in "abc"))
    await eventually_in_loop(lambda: len(harness.rooms.offsets) == 1500)
    for room in "abc":
        offsets = [offset for name, offset in harness.rooms.offsets if name == room]
        assert offsets == list(range(1, 501))
    assert harness.publisher.published == len(harness.announced) == 1500


async def test_a_blocked_loop_delays_a_thread_briefly_and_rooms_read_the_log(
    harness: Harness,
) -> None:
    count = 2 * MAX_ENTRIES

    def publish() -> None:
        for offset in range(1, count + 1):
            harness.publisher.announce_from_thread([batch(offset)], timeout=0.001)

    publish()  # in the loop's own thread, so nothing is taken meanwhile
    await eventually_in_loop(lambda: harness.rooms.offsets)
    assert harness.rooms.offsets[-1] == ("r", count)
    assert len(harness.rooms.offsets) <= MAX_ENTRIES
    assert (harness.counters.waits, harness.counters.cut) == (1, 1)


@pytest.mark.parametrize(
    ("key", "fresh", "entries"), [("", False, 1), ("k", False, 0), ("k", True, 1)]
)
def test_a_batch_has_an_entry_unless_its_key_was_used_before(
    key: str, *, fresh: bool, entries: int
) -> None:
    result = PublishResult(Position("e", 3), 7, fresh=fresh)
    batch = batch_of(PublishRequest("r", "1", key), result)
    assert (batch.top, len(batch.entries)) == (3, entries)
    assert all(encode_publication("r", entry).offset == 3 for entry in batch.entries)
