"""The logic of a room under everything that may happen: a machine that plays store, layer
and members, and knows what each of them must have got."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from realtime.protocol.position import Gap, Position
from realtime.worker import room as rooms
from realtime.worker.room import Page, Read, Room

KEPT = 6  # entries of the log
PIECE = 3  # publications of a read
NAMES = st.sampled_from("abcde")


@dataclass(frozen=True)
class Entry:
    """A publication; ``text`` is unique in the world, so a forgery shows."""

    offset: int
    text: str
    size: int = 1


class Log:
    """The store's side: a bounded log that may lose its end or all of it."""

    def __init__(self) -> None:
        self._texts = (f"text {number}" for number in itertools.count())
        self._epochs = (f"epoch {number}" for number in itertools.count())
        self.everything: dict[str, dict[int, Entry]] = {}
        self.restart()

    def restart(self) -> None:
        self.epoch = next(self._epochs)
        self.everything[self.epoch] = {}
        self.kept: list[Entry] = []
        self.top = 0

    def append(self) -> Entry:
        self.top += 1
        entry = Entry(self.top, next(self._texts))
        self.everything[self.epoch][self.top] = entry
        self.kept = [*self.kept, entry][-KEPT:]
        return entry

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.top)

    def read(self, after: int) -> Page:
        found = [entry for entry in self.kept if entry.offset > after][:PIECE]
        return Page(self.position, self.top + 1 - len(self.kept), found)


class Client:
    """A member that takes so much at a time, and checks what it is handed."""

    def __init__(self, log: Log, room: Room, position: Position) -> None:
        self._log = log
        self._room = room
        self.position = position
        self.credit = 2
        self.gone = False

    def takes(self, _publication: Any) -> bool:
        return self.credit > 0

    def hand(self, _room: str, publication: Any, *, replayed: bool) -> None:
        assert not self.gone
        assert publication.offset <= self._room.top.offset, "the room comes first"
        assert publication.offset == self.position.offset + 1, "in order, nothing missing or twice"
        true = self._log.everything[self.position.epoch][publication.offset]
        assert publication == true, "what was published"
        self.position = Position(self.position.epoch, publication.offset)
        self.credit -= 1

    def tell(self, _room: str, top: Position, gap: Gap) -> None:
        if gap is Gap.EXPIRED:
            assert top.epoch == self.position.epoch
            assert top.offset > self.position.offset, "nobody is told of a loss without one"
        else:
            assert top.epoch != self.position.epoch
        self.position = top


class RoomMachine(RuleBasedStateMachine):
    """A layer that loses, doubles, delays and forges hints; a store that restarts and trims."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.room = Room("lobby", self.log.read(0))
        self.clients: dict[str, Client] = {}
        self.hints: list[tuple[str, Entry]] = []
        self.left: list[Position] = []
        self.under_way: tuple[Read, Page] | None = None  # the read whose answer has not come
        self.steps: Iterator[None] | None = None  # what is paused

    # ------------------------------------------------------------ store and layer

    @rule(lost=st.lists(st.booleans(), min_size=1, max_size=4))
    def publish(self, lost: list[bool]) -> None:
        """Some are heard of at once, the hints of others are lost."""
        for each in lost:
            entry = self.log.append()
            if not each:
                self.room.hint(self.log.epoch, entry)

    @rule()
    def publish_slowly(self) -> None:
        self.hints.append((self.log.epoch, self.log.append()))

    @precondition(lambda self: self.hints)
    @rule(data=st.data(), again=st.booleans())
    def a_hint_arrives(self, data: st.DataObject, again: bool) -> None:
        number = data.draw(st.integers(0, len(self.hints) - 1))
        self.room.hint(*(self.hints[number] if again else self.hints.pop(number)))

    @rule(offset=st.integers(100, 10_000))
    def a_forged_hint_arrives(self, offset: int) -> None:
        """It can promise what is not there; it cannot know what is said next."""
        self.room.hint(self.log.epoch, Entry(offset, "forged"))
        self.room.hint("epoch of nobody", Entry(1, "forged"))

    @rule()
    def the_store_restarts(self) -> None:
        self.log.restart()

    @rule()
    def the_log_is_trimmed(self) -> None:
        self.log.kept = self.log.kept[-1:]

    @rule()
    def the_room_is_audited(self) -> None:
        self.room.audit(self.log.position)

    # ------------------------------------------------------------ members

    @rule(name=NAMES, data=st.data())
    def join(self, name: str, data: st.DataObject) -> None:
        behind = Position(self.log.epoch, max(0, self.log.top - data.draw(st.integers(1, 4))))
        ahead = Position(self.log.epoch, 50)
        position = data.draw(st.sampled_from([None, behind, *self.left[-3:], ahead]))
        fresh = position is None or self.room.gap(position) is not None
        start = self.room.top if fresh or position is None else position
        client = Client(self.log, self.room, start)
        if before := self.clients.get(name):
            before.gone = True
        self.room.join(name, client, offset=client.position.offset)
        self.clients[name] = client

    @rule(name=NAMES)
    def leave(self, name: str) -> None:
        self.room.leave(name)
        if client := self.clients.pop(name, None):
            self.left.append(client.position)
            client.gone = True

    @rule(name=NAMES, more=st.integers(1, 4))
    def read_on(self, name: str, more: int) -> None:
        if client := self.clients.get(name):
            client.credit = min(client.credit + more, 5)
            self.room.wake(name)

    # ------------------------------------------------------------ the driver, step by step

    @rule(count=st.integers(1, 6))
    def go_on(self, count: int) -> None:
        """Some steps of the driver: of what is paused, or whatever comes next."""
        for _ in range(count):
            self._step()

    @rule(count=st.integers(1, 6))
    def go_on_as_well(self, count: int) -> None:
        """Again, so that it is chosen more often."""
        self.go_on(count)

    def _step(self) -> None:
        if self.steps is not None:
            if next(self.steps, "over") == "over":
                self.steps = None
        elif self.under_way is not None:
            self.steps = self.room.absorb(*self.under_way)
            self.under_way = None
        elif read := self.room.wants():
            self.under_way = (read, self.log.read(read.offset))
        else:
            self.steps = self.room.hand_out()

    @rule()
    def settle(self) -> None:
        """Everything is repaired by an audit, and then everybody who reads has it all."""
        for name, client in self.clients.items():
            client.credit = 10_000
            self.room.wake(name)
        self.room.audit(self.log.position)
        for _ in range(400):
            self._step()
            if self.idle() and self.room.wants() is None:
                break
        else:
            pytest.fail("it goes on for ever")
        for client in self.clients.values():
            assert client.position == self.log.position
            client.credit = 2

    def idle(self) -> bool:
        if self.steps is not None or self.under_way is not None:
            return False
        for _ in self.room.hand_out():
            pass
        return True

    @invariant()
    def nobody_is_beyond_the_top(self) -> None:
        for client in self.clients.values():
            if client.position.epoch == self.room.top.epoch:
                assert client.position.offset <= self.room.top.offset


@pytest.fixture(autouse=True, scope="module")
def _small_slices() -> Iterator[None]:
    """So that there are pauses with a few members."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms, "SLICE", 1)
        yield


RoomMachine.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRoom = RoomMachine.TestCase
