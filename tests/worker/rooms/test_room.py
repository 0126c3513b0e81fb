"""The logic of a room under everything that may happen: a machine that plays store, layer
and members, and knows what each of them must have got."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from realtime.protocol.frames import EncodedMessage, encode_message
from realtime.protocol.position import Gap, Position
from realtime.store.log import LogEnd
from realtime.worker.rooms import room as module
from realtime.worker.rooms.log_view import LogRead, LogSlice
from realtime.worker.rooms.room import DeliveryCounters, Room
from tests.search_profiles import machine_settings

KEPT = 6  # entries of the log
PIECE = 3  # publications of a read
NOTHING = encode_message("")
NAMES = st.sampled_from("abcde")


@dataclass(frozen=True)
class Entry:
    """A publication; ``text`` is unique in the world, so a forgery shows."""

    offset: int
    text: str
    size: int = 1
    encoded: EncodedMessage = NOTHING


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

    @property
    def end(self) -> LogEnd:
        return LogEnd(self.position, self.top + 1 - len(self.kept))

    def read(self, after: int) -> LogSlice:
        found = [entry for entry in self.kept if entry.offset > after][:PIECE]
        return LogSlice(self.end, found if after + 1 >= self.end.oldest else [])


class Client:
    """A member that takes so much at a time, and checks what it is handed. ``account`` is what
    it has got, and what it knows to have missed."""

    def __init__(self, log: Log, room: Room) -> None:
        self._log = log
        self._room = room
        self.account = 0
        self.credit = 2
        self.gone = False
        self.wrong: list[str] = []

    def come_in(self, position: Position | None) -> Gap | None:
        """Join, again if need be; it goes on from what the room says."""
        newest = self._room.log.newest
        gap = self._room.join(self, position)
        if position is not None and gap is not None:
            self.account += _lost(position, newest, gap)
        self.position = newest if position is None or gap else position
        self.gone = False
        return gap

    def offer(self, _room: str, publication: Any, *, replayed: bool) -> bool:
        if not self.credit:
            return False
        true = self._log.everything[self.position.epoch].get(publication.offset)
        self._check(publication.offset <= self._room.log.top, "the room comes first")
        self._check(publication.offset == self.position.offset + 1, "in order, once")
        self._check(publication == true, "what was published")
        self.position = Position(self.position.epoch, publication.offset)
        self.account += 1
        self.credit -= 1
        return True

    def on_gap(self, _room: str, top: Position, gap: Gap) -> None:
        same = top.epoch == self.position.epoch
        more = top.offset > self.position.offset
        kept = {entry.offset for entry in self._log.kept} if top.epoch == self._log.epoch else set()
        self._check(gap is not Gap.AHEAD, "nobody is let in there")
        self._check(gap is Gap.EPOCH_CHANGED or self.position.offset + 1 not in kept, "a loss")
        self._check(same and more if gap is Gap.EXPIRED else not same, "what is true")
        self.account += _lost(self.position, top, gap)
        self.position = top

    def _check(self, right: bool, rule: str) -> None:
        """Not an assert: the room survives what its members raise."""
        if self.gone or not right:
            self.wrong.append("nothing after it has left" if self.gone else rule)


def _lost(position: Position, top: Position, gap: Gap) -> int:
    match gap:
        case Gap.EXPIRED:
            return top.offset - position.offset
        case Gap.EPOCH_CHANGED:
            return top.offset
        case Gap.AHEAD:
            return 0


class RoomMachine(RuleBasedStateMachine):
    """A layer that loses, doubles, delays and forges hints; a store that restarts and trims,
    and whose answers take their time."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.tally = DeliveryCounters()
        self.room = Room("lobby", self.log.end, self.tally, send=id)
        self.clients: dict[str, Client] = {}
        self.gone: list[Client] = []
        self.hints: list[tuple[str, Entry]] = []
        self.audits: list[tuple[LogEnd, int]] = []  # answers under way
        self.left: list[Position] = []
        self.driver = self._drive()
        self.resting = False
        for name in "abc":
            self._client(name, anew=True).come_in(None)

    # ------------------------------------------------------------ store and layer

    @rule(lost=st.lists(st.booleans(), min_size=1, max_size=4))
    def publish(self, lost: list[bool]) -> None:
        """Some are heard of at once, the hints of others are lost."""
        for each in lost:
            entry = self.log.append()
            if not each:
                self.room.on_hint(self.log.epoch, entry)

    @rule(steps=st.integers(1, 3), early=st.booleans())
    def publish_and_go_on(self, steps: int, early: bool) -> None:
        """Heard of at once, or lost, while the driver is at work."""
        entry = self.log.append()
        if early:
            self.room.on_hint(self.log.epoch, entry)
        self.go_on(steps)

    @rule()
    def publish_slowly(self) -> None:
        self.hints.append((self.log.epoch, self.log.append()))

    @precondition(lambda self: self.hints)
    @rule(data=st.data(), again=st.booleans())
    def a_hint_arrives(self, data: st.DataObject, again: bool) -> None:
        number = data.draw(st.integers(0, len(self.hints) - 1))
        self.room.on_hint(*(self.hints[number] if again else self.hints.pop(number)))

    @rule(offset=st.integers(100, 10_000))
    def a_forged_hint_arrives(self, offset: int) -> None:
        """It can promise what is not there; it cannot know what is said next."""
        self.room.on_hint(self.log.epoch, Entry(offset, "forged"))
        self.room.on_hint("epoch of nobody", Entry(1, "forged"))

    @rule()
    def the_store_restarts(self) -> None:
        self.log.restart()

    @rule(left=st.sampled_from([0, 1, 3]))
    def the_log_is_trimmed(self, left: int) -> None:
        self.log.kept = self.log.kept[len(self.log.kept) - left :]

    @rule()
    def the_room_is_audited(self) -> None:
        self.room.on_top(self.log.end, newest_before=self.room.log.newest.offset)

    @rule()
    def an_audit_is_asked(self) -> None:
        self.audits.append((self.log.end, self.room.log.newest.offset))

    @precondition(lambda self: self.audits)
    @rule(data=st.data())
    def its_answer_arrives(self, data: st.DataObject) -> None:
        """In any order. Within one log it is no reason to doubt, however late it comes."""
        end, newest_before = self.audits.pop(data.draw(st.integers(0, len(self.audits) - 1)))
        before = self.room.log.conflicts
        self.room.on_top(end, newest_before=newest_before)
        if set(self.log.everything) == {self.room.log.epoch}:
            assert self.room.log.conflicts == before

    # ------------------------------------------------------------ members

    def _client(self, name: str, *, anew: bool) -> Client:
        """Who is to join: whoever has that name, or somebody new in their place."""
        before = self.clients.get(name)
        if before is not None and not anew:
            return before
        self._see_off(name)
        return self.clients.setdefault(name, Client(self.log, self.room))

    def _see_off(self, name: str) -> None:
        if client := self.clients.pop(name, None):
            self.room.leave(client)
            self.left.append(client.position)
            client.gone = True
            self.gone.append(client)

    @rule(name=NAMES, anew=st.booleans(), data=st.data())
    def join(self, name: str, anew: bool, data: st.DataObject) -> None:
        behind = Position(self.log.epoch, max(0, self.log.top - data.draw(st.integers(0, 4))))
        ahead = Position(self.log.epoch, 50)
        position = data.draw(st.sampled_from([None, behind, *self.left[-3:], ahead]))
        gap = self._client(name, anew=anew).come_in(position)
        if position == ahead and self.log.top < 50:
            assert gap is not None, "a position ahead of the log is never believed"

    @rule(name=NAMES, away=st.integers(0, KEPT))
    def join_after_an_audit(self, name: str, away: int) -> None:
        """Whoever has heard more than this worker, from another one, can go on all the same."""
        self.room.on_top(self.log.end, newest_before=self.room.log.newest.offset)
        position = Position(self.log.epoch, max(0, self.log.top - away))
        gap = self._client(name, anew=True).come_in(position)
        if (
            self.room.log.conflicts == self.room.log.resolved_conflicts
            and position.offset + 1 >= self.log.end.oldest
        ):
            assert gap is None

    @rule(name=NAMES)
    def leave(self, name: str) -> None:
        self._see_off(name)

    @rule(name=NAMES)
    def leave_and_come_back(self, name: str) -> None:
        """The same member, at once: also between two slices of a fan-out."""
        if client := self.clients.get(name):
            self.room.leave(client)
            client.come_in(client.position)

    @rule(names=st.sets(NAMES), more=st.integers(1, 4), meanwhile=st.booleans())
    def read_on(self, names: set[str], more: int, meanwhile: bool) -> None:
        """Some take more; something may be published while they are about to get it."""
        for name in names & self.clients.keys():
            client = self.clients[name]
            client.credit = min(client.credit + more, 5)
            self.room.on_ready(client)
        if meanwhile:
            self.go_on(1)
            self.log.append()
            self.go_on(2)

    # ------------------------------------------------------------ the driver, step by step

    @rule(count=st.integers(1, 6))
    def go_on(self, count: int) -> None:
        """Some steps of the driver: of what is paused, or whatever comes next."""
        for _ in range(count):
            next(self.driver)

    @rule(count=st.integers(1, 6))
    def go_on_as_well(self, count: int) -> None:
        """Again, so that it is chosen more often."""
        self.go_on(count)

    def _drive(self) -> Iterator[None]:
        """What the driver does; at each step something else may happen."""
        while True:
            yield from self.room.fan_out()
            read = self.room.next_read()
            self.resting = read is None
            yield
            if read is not None:
                page = self.log.read(read.offset)
                yield
                yield from self.room.apply_page(read, page)

    @rule()
    def settle(self) -> None:
        """Everything is repaired by an audit, and then everybody who reads has it all."""
        for client in self.clients.values():
            client.credit = 10_000
            self.room.on_ready(client)
        self.room.on_top(self.log.end, newest_before=self.room.log.newest.offset)
        self._until_it_rests()
        for client in self.clients.values():
            assert client.position == self.log.position
            client.credit = 2

    def _until_it_rests(self) -> None:
        self.resting = False
        for _ in range(400):
            next(self.driver)
            if self.resting:
                return
        pytest.fail("it goes on for ever")

    def teardown(self) -> None:
        self.settle()
        self.nothing_is_wrong()
        self.the_books_balance()

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert not [each.wrong for each in [*self.clients.values(), *self.gone] if each.wrong]

    @invariant()
    def nobody_is_beyond_the_newest(self) -> None:
        for client in self.clients.values():
            if client.position.epoch == self.room.log.epoch:
                assert client.position.offset <= self.room.log.newest.offset

    @invariant()
    def the_books_balance(self) -> None:
        """What members have got and missed is what the room has counted."""
        accounts = sum(client.account for client in [*self.clients.values(), *self.gone])
        tally = self.tally
        assert accounts == tally.delivered + tally.replayed + tally.skipped


@pytest.fixture(autouse=True, scope="module")
def _small_slices() -> Iterator[None]:
    """So that there are pauses with a few members."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FAN_OUT_SLICE", 1)
        yield


RoomMachine.TestCase.settings = machine_settings(examples=150, steps=50, shrinks=False)
TestRoom = RoomMachine.TestCase


# ---------------------------------------------------------------- one thing at a time


def a_room(*, published: int = 0) -> tuple[Log, Room, DeliveryCounters]:
    log, tally = Log(), DeliveryCounters()
    for _ in range(published):
        log.append()
    return log, Room("lobby", log.end, tally, send=id), tally


def go_through(room: Room, log: Log) -> int:
    """Until there is nothing to do; how many reads that took."""
    for reads in range(100):
        list(room.fan_out())
        read = room.next_read()
        if read is None:
            return reads
        list(room.apply_page(read, log.read(read.offset)))
    pytest.fail("it goes on for ever")


class Told:
    """A member that takes everything and keeps what it is given."""

    def __init__(self) -> None:
        self.given: list[object] = []
        self.error: Exception | None = None
        self.full = False

    def offer(self, _room: str, publication: Any, *, replayed: bool) -> bool:
        if self.full:
            return False
        if self.error is not None:
            raise self.error
        self.given.append(publication.offset)
        return True

    def on_gap(self, _room: str, top: Position, gap: Gap) -> None:
        self.given.append((top.offset, gap))
        if self.error is not None:
            raise self.error


def test_a_publication_that_came_after_an_audit_was_asked_is_no_reason_to_doubt() -> None:
    log, room, _ = a_room()
    newest_before, answer = room.log.newest.offset, log.end
    room.on_hint(log.epoch, log.append())
    list(room.fan_out())

    assert not room.on_top(answer, newest_before=newest_before)
    assert room.next_read() is None


def test_a_doubt_that_came_up_while_the_log_was_read_remains() -> None:
    log, room, _ = a_room(published=1)
    log.append()
    room.on_top(log.end, newest_before=1)
    read = room.next_read()
    assert read is not None
    answer = log.read(read.offset)
    log.restart()
    room.on_hint(log.epoch, log.append())
    list(room.apply_page(read, answer))
    list(room.fan_out())

    assert room.next_read() == LogRead(2, 1)


def test_a_log_that_ends_before_what_it_had_told_is_believed_by_those_ahead_of_it() -> None:
    log, room, tally = a_room(published=4)
    behind, live, beyond = Told(), Told(), Told()
    room.join(live)
    behind.full = True
    room.join(behind, Position(log.epoch, 1))
    go_through(room, log)  # behind takes nothing
    room.on_top(LogEnd(Position(log.epoch, 6), 1), newest_before=4)
    assert room.join(beyond, Position(log.epoch, 6)) is None
    log.top, log.kept = 3, log.kept[:3]

    behind.full = False
    room.on_ready(behind)
    go_through(room, log)

    assert live.given == [(3, Gap.AHEAD)]
    assert beyond.given == [(3, Gap.AHEAD)]
    assert behind.given == [2, 3]
    assert (tally.replayed, tally.skipped) == (2, 0)
    room.on_hint(log.epoch, log.append())
    go_through(room, log)
    assert [member.given[-1] for member in (behind, live, beyond)] == [4, 4, 4]


def test_nobody_is_replayed_what_the_room_has_not_handed_out() -> None:
    log, room, tally = a_room(published=3)
    behind, live = Told(), Told()
    room.join(behind, Position(log.epoch, 1))
    room.join(live)
    read = room.next_read()
    assert read is not None
    log.append()  # before the store answers

    list(room.apply_page(read, log.read(read.offset)))
    assert (behind.given, live.given) == ([2, 3], [])
    list(room.fan_out())
    assert (behind.given, live.given) == ([2, 3, 4], [4])
    assert (tally.replayed, tally.delivered) == (2, 2)


def test_who_leaves_in_a_pause_is_handed_nothing_more() -> None:
    log, room, _ = a_room(published=1)
    members = [Told() for _ in range(4)]
    _, second, third, fourth = members
    for member in members:
        room.join(member)
    room.on_hint(log.epoch, log.append())
    steps = room.fan_out()
    next(steps)
    room.leave(second)
    room.leave(third)
    room.join(third)  # after it, as it is told
    room.leave(fourth)
    room.join(fourth, Position(log.epoch, 1))  # before it
    list(steps)
    assert [member.given for member in members] == [[2], [], [], []]

    go_through(room, log)
    assert [member.given for member in members] == [[2], [], [], [2]]


def test_who_leaves_in_a_pause_of_a_replay_gets_no_more_of_it() -> None:
    log, room, tally = a_room(published=2)
    members = [Told() for _ in range(3)]
    for member in members:
        room.join(member, Position(log.epoch, 0))
    read = room.next_read()
    assert read is not None
    steps = room.apply_page(read, log.read(0))
    next(steps)
    room.leave(members[1])
    list(steps)
    assert [member.given for member in members] == [[1, 2], [], [1, 2]]
    assert tally.replayed == 4


def test_who_leaves_in_a_pause_is_told_of_no_loss() -> None:
    log, room, tally = a_room(published=2)
    members = [Told() for _ in range(3)]
    for member in members:
        room.join(member)
    log.restart()
    log.append()
    room.on_top(log.end, newest_before=2)
    read = room.next_read()
    assert read is not None
    steps = room.apply_page(read, log.read(read.offset))
    next(steps)
    room.leave(members[1])
    room.leave(members[2])
    room.join(members[2])  # as it is told, in the new log
    list(steps)
    assert [member.given for member in members] == [[(1, Gap.EPOCH_CHANGED)], [], []]
    assert tally.skipped == 1


def test_nobody_waits_beyond_an_end_that_the_store_takes_back() -> None:
    log, room, _ = a_room(published=4)
    room.on_top(LogEnd(Position(log.epoch, 9), 1), newest_before=4)
    beyond, live = Told(), Told()
    room.join(beyond, Position(log.epoch, 8))
    room.join(live, Position(log.epoch, 4))

    go_through(room, log)

    assert beyond.given == [(4, Gap.AHEAD)]
    assert live.given == []


def test_a_log_that_does_not_say_what_follows_has_lost_it() -> None:
    """No store answers so; one that does must not be asked for ever."""
    log, room, _ = a_room(published=3)
    member = Told()
    room.join(member, Position(log.epoch, 1))
    broken = LogSlice(log.end, [])

    read = room.next_read()
    assert read is not None
    list(room.apply_page(read, broken))

    assert member.given == [(3, Gap.EXPIRED)]
    assert room.next_read() is None


def test_a_member_that_raises_costs_the_others_nothing_and_itself_no_publication() -> None:
    log, room, tally = a_room()
    broken, sound = Told(), Told()
    room.join(broken)
    room.join(sound)
    broken.error = RuntimeError("a defect")
    for _ in range(2):
        room.on_hint(log.epoch, log.append())
        go_through(room, log)
    assert (broken.given, sound.given) == ([], [1, 2])

    room.on_ready(broken)
    go_through(room, log)
    assert broken.given == []
    broken.error = None
    room.on_ready(broken)
    go_through(room, log)

    assert broken.given == [1, 2]
    assert (tally.delivered, tally.replayed) == (2, 2)


def test_a_slice_that_cannot_be_sent_does_not_end_the_fan_out() -> None:
    def fail(_publication: object) -> None:
        raise RuntimeError("a defect")

    log = Log()
    room = Room("lobby", log.end, DeliveryCounters(), send=fail)
    members = [Told() for _ in range(3)]
    for member in members:
        room.join(member)
    for _ in range(2):
        room.on_hint(log.epoch, log.append())
    go_through(room, log)
    assert [member.given for member in members] == [[1, 2]] * 3


def test_a_member_that_raises_when_it_is_told_keeps_nobody_from_being_told() -> None:
    log, room, _ = a_room()
    broken, sound = Told(), Told()
    broken.error = RuntimeError("a defect")
    room.join(broken)
    room.join(sound)
    log.restart()
    room.on_top(log.end, newest_before=0)

    go_through(room, log)

    assert sound.given == [(0, Gap.EPOCH_CHANGED)]


def test_those_who_are_behind_share_a_read_whatever_their_offsets() -> None:
    log, room, tally = a_room(published=KEPT)
    members = [Told() for _ in range(3)]
    for offset, member in enumerate(members, KEPT - PIECE):
        room.join(member, Position(log.epoch, offset))

    assert go_through(room, log) == 1

    assert [member.given for member in members] == [[4, 5, 6], [5, 6], [6]]
    assert tally.replayed == 6


def test_what_lies_before_where_a_member_comes_in_is_counted_as_skipped() -> None:
    log, room, tally = a_room(published=KEPT + 5)
    assert room.join(Told(), Position(log.epoch, 2)) is Gap.EXPIRED
    assert tally.skipped == KEPT + 3
    assert room.join(Told(), Position("another", 4)) is Gap.EPOCH_CHANGED
    assert tally.skipped == KEPT + 3 + KEPT + 5
    assert room.join(Told(), Position(log.epoch, 100)) is Gap.AHEAD
    assert room.join(Told()) is None
    assert tally.skipped == KEPT + 3 + KEPT + 5


def test_hints_far_ahead_are_read_from_the_log() -> None:
    log, room, _ = a_room()
    for offset in range(2, 1000):
        room.on_hint(log.epoch, Entry(offset, "early"))
    assert len(room._pending) < module.MAX_PENDING
    assert room.next_read() == LogRead(0, 0)


@pytest.mark.parametrize(("members", "publications"), [(10, 1), (1, 10), (3, 4)])
def test_others_get_their_turn_between_slices(
    members: int, publications: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAN_OUT_SLICE", 3)
    log, room, tally = a_room(published=1)
    for _ in range(members):
        room.join(Told())
        room.join(Told(), Position(log.epoch, 0))
    for _ in range(publications):
        room.on_hint(log.epoch, log.append())

    before = 0
    for _ in room.fan_out():
        assert 0 < tally.delivered - before <= 3
        before = tally.delivered
    assert tally.delivered == members * publications

    read = room.next_read()
    assert read is not None
    before = 0
    for _ in room.apply_page(read, log.read(read.offset)):
        assert 0 < tally.replayed - before < 3 + PIECE
        before = tally.replayed
