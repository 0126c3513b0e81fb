"""A worker's publications: to its own rooms, to the others, and from its process's threads."""

import asyncio
from typing import Any, cast

import pytest

from realtime.bus.publication_batches import MAX_ENTRIES, PublicationBatch
from realtime.protocol.position import Position
from realtime.store.log import Log, LogEntry, PublishRequest, PublishResult
from realtime.worker.rooms.encoding import encode_publication
from realtime.worker.rooms.publisher import Publisher, batch_of
from realtime.worker.rooms.rooms import Rooms
from tests.polling import eventually_in_loop


class Scroll:
    """A log of one room, as far as it is appended to."""

    def __init__(self) -> None:
        self.drafts: list[PublishRequest] = []
        self.fresh = True

    async def append(self, drafts: list[PublishRequest]) -> tuple[PublishResult, ...]:
        self.drafts += drafts
        return (PublishResult(Position("e", len(self.drafts)), 7, fresh=self.fresh),)


class Doors:
    """What the rooms of a worker are told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, int]] = []
        self.audited: list[str] = []

    def on_hint(self, name: str, epoch: str, publication: Any) -> None:
        self.heard.append((name, epoch, publication.offset))

    def request_audit(self, names: list[str]) -> None:
        self.audited += names


class Set:
    """A publisher, and all that it speaks with."""

    def __init__(self) -> None:
        self.log, self.rooms = Scroll(), Doors()
        self.announced: list[PublicationBatch] = []
        self.publisher = Publisher(cast(Log, self.log), cast(Rooms, self.rooms), self._announce)

    def _announce(self, batch: PublicationBatch, *, timeout: float = 0.0) -> None:
        self.announced.append(batch)


@pytest.fixture
async def made() -> Set:
    return Set()


def batch(offset: int, *, room: str = "r") -> PublicationBatch:
    return PublicationBatch(room, "e", offset, (LogEntry(offset, 7, "1"),))


async def test_a_client_s_publication_is_appended_and_told_to_everybody(made: Set) -> None:
    appended = await made.publisher.publish("r", "1", "c:7:k")
    assert made.log.drafts == [PublishRequest("r", "1", "c:7:k")]
    assert appended.position == Position("e", 1)
    assert made.rooms.heard == [("r", "e", 1)]
    assert made.announced == [batch(1)]
    assert made.publisher.published == 1


async def test_of_a_repeat_nobody_is_given_the_data_but_everybody_looks(made: Set) -> None:
    """What stands in the log may be something else."""
    made.log.fresh = False
    await made.publisher.publish("r", "1", "c:7:k")
    assert (made.rooms.heard, made.rooms.audited) == ([], ["r"])
    assert made.announced == [PublicationBatch("r", "e", 1)]
    assert made.publisher.published == 0


async def test_threads_of_the_process_are_heard_here_in_order(made: Set) -> None:
    def publish(room: str) -> None:
        for offset in range(1, 501):
            made.publisher.announce_from_thread([batch(offset, room=room)], timeout=10.0)

    await asyncio.gather(*(asyncio.to_thread(publish, room) for room in "abc"))
    await eventually_in_loop(lambda: len(made.rooms.heard) == 1500)
    for room in "abc":
        heard = [offset for name, _, offset in made.rooms.heard if name == room]
        assert heard == list(range(1, 501))
    assert made.publisher.published == len(made.announced) == 1500


async def test_a_loop_that_stands_still_costs_a_thread_a_moment_and_its_rooms_read_the_log(
    made: Set,
) -> None:
    count = 2 * MAX_ENTRIES

    def publish() -> None:
        for offset in range(1, count + 1):
            made.publisher.announce_from_thread([batch(offset)], timeout=0.001)

    publish()  # in the loop's own thread: nobody takes anything
    await eventually_in_loop(lambda: made.rooms.heard)
    assert made.rooms.heard[-1] == ("r", "e", count)
    assert len(made.rooms.heard) <= MAX_ENTRIES


async def test_what_was_cut_is_looked_up(made: Set) -> None:
    made.publisher.on_publication(PublicationBatch("r", "e", 9, (LogEntry(7, 0, "1"),)))
    assert made.rooms.heard == [("r", "e", 7)]
    assert made.rooms.audited == ["r"]


@pytest.mark.parametrize(
    ("key", "fresh", "told"), [("", False, 1), ("k", False, 0), ("k", True, 1)]
)
def test_an_entry_is_told_where_it_is_certain(key: str, *, fresh: bool, told: int) -> None:
    appended = PublishResult(Position("e", 3), 7, fresh=fresh)
    given = batch_of(PublishRequest("r", "1", key), appended)
    assert (given.top, len(given.entries)) == (3, told)
    assert all(encode_publication("r", entry).offset == 3 for entry in given.entries)
