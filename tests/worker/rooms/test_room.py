"""A room under any sequence of events: a machine acts as store, layer and members, and knows what
each member must have received."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from realtime.protocol.frames import EncodedMessage
from realtime.protocol.position import Gap, Position
from realtime.store.log import LogEnd
from realtime.worker.rooms import room as module
from realtime.worker.rooms.encoding import EncodedPublication
from realtime.worker.rooms.log_view import LogRead, LogSlice
from realtime.worker.rooms.room import DeliveryCounters, Room
from tests.search_profiles import machine_settings

KEPT = 6  # entries of the log
PIECE = 3  # publications of a read
NAMES = st.sampled_from("abcde")


def entry(offset: int, text: str) -> EncodedPublication:
    """A publication; ``text`` is unique, so that a forged one shows."""
    return EncodedPublication(offset, 1, EncodedMessage(text, b""))


class Log:
    """A bounded log that may lose its oldest entries or all of them."""

    def __init__(self) -> None:
        self._texts = (f"text {number}" for number in itertools.count())
        self._epochs = (f"epoch {number}" for number in itertools.count())
        self.everything: dict[str, dict[int, EncodedPublication]] = {}
        self.restart()

    def restart(self) -> None:
        self.epoch = next(self._epochs)
        self.everything[self.epoch] = {}
        self.kept: list[EncodedPublication] = []
        self.top = 0

    def append(self) -> EncodedPublication:
        self.top += 1
        publication = entry(self.top, next(self._texts))
        self.everything[self.epoch][self.top] = publication
        self.kept = [*self.kept, publication][-KEPT:]
        return publication

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.top)

    @property
    def end(self) -> LogEnd:
        return LogEnd(self.position, self.top + 1 - len(self.kept))

    def read(self, after: int) -> LogSlice:
        found = [each for each in self.kept if each.offset > after][:PIECE]
        return LogSlice(self.end, found if after + 1 >= self.end.oldest else [])


class Client:
    """A member with limited credit that checks what it is offered. ``account`` counts what it has
    received, and its notices of losses."""

    def __init__(self, log: Log, room: Room) -> None:
        self._log = log
        self._room = room
        self.account = 0
        self.credit = 2
        self.gone = False
        self.wrong: list[str] = []
        self.rewind_end = 0

    def join(self, position: Position | None) -> Gap | None:
        """Join, or join again, and continue where the room says."""
        newest = self._room.log.newest
        gap = self._room.join(self, position)
        if position is not None and gap is not None:
            self.account += _lost(position, newest, gap)
        self.position = newest if position is None or gap else position
        self.gone, self.rewind_end = False, 0
        return gap

    def rewind(self, count: int) -> None:
        """Join, or join again, with the last publications."""
        begin, newest = self._room.log.rewound(count), self._room.log.newest
        assert self._room.join(self, begin, rewinds=True) is None
        self.position, self.gone, self.rewind_end = begin, False, newest.offset

    def offer(self, _room: str, publication: Any, *, replayed: bool) -> bool:
        if not self.credit:
            return False
        true = self._log.everything[self.position.epoch].get(publication.offset)
        if true and publication.offset <= self.rewind_end:
            true = true.rewound
        self._check(publication.offset <= self._room.log.top, "the room comes first")
        self._check(publication.offset == self.position.offset + 1, "in order, once")
        self._check(publication == true, "what was published, marked in a rewind")
        self.position = Position(self.position.epoch, publication.offset)
        self.account += 1
        self.credit -= 1
        return True

    def on_gap(self, _room: str, top: Position, gap: Gap) -> None:
        self.rewind_end = 0
        same = top.epoch == self.position.epoch
        more = top.offset > self.position.offset
        kept = {each.offset for each in self._log.kept} if top.epoch == self._log.epoch else set()
        self._check(gap is not Gap.AHEAD, "no member joins ahead")
        self._check(gap is Gap.EPOCH_CHANGED or self.position.offset + 1 not in kept, "a loss")
        self._check(same and more if gap is Gap.EXPIRED else not same, "what is true")
        self.account += _lost(self.position, top, gap)
        self.position = top

    def _check(self, right: bool, rule: str) -> None:
        """Note a violation; an assert would be caught by the room."""
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
    """A layer that loses, duplicates, delays and forges hints; a store that restarts, trims and
    answers late."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.counters = DeliveryCounters()
        self.room = Room("lobby", self.log.end, self.counters, send=id)
        self.clients: dict[str, Client] = {}
        self.gone: list[Client] = []
        self.hints: list[tuple[str, EncodedPublication]] = []
        self.audits: list[tuple[LogEnd, int]] = []  # answers under way
        self.left: list[Position] = []
        self.steps = self._drive()
        self.idle = False
        for name in "abc":
            self._client(name, fresh=True).join(None)

    # ------------------------------------------------------------ store and layer

    @rule(lost=st.lists(st.booleans(), min_size=1, max_size=4))
    def publish(self, lost: list[bool]) -> None:
        """The hints of some arrive at once, those of others are lost."""
        for each in lost:
            publication = self.log.append()
            if not each:
                self.room.on_hint(self.log.epoch, publication)

    @rule(steps=st.integers(1, 3), early=st.booleans())
    def publish_and_step(self, steps: int, early: bool) -> None:
        """The hint arrives at once, or is lost, while the room is delivering."""
        publication = self.log.append()
        if early:
            self.room.on_hint(self.log.epoch, publication)
        self.step(steps)

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
        """It may claim what does not exist; it cannot guess future texts."""
        self.room.on_hint(self.log.epoch, entry(offset, "forged"))
        self.room.on_hint("forged epoch", entry(1, "forged"))

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
        """In any order. Within one log a late answer is no conflict."""
        end, newest_before = self.audits.pop(data.draw(st.integers(0, len(self.audits) - 1)))
        before = self.room.log.conflicts
        self.room.on_top(end, newest_before=newest_before)
        if set(self.log.everything) == {self.room.log.epoch}:
            assert self.room.log.conflicts == before

    # ------------------------------------------------------------ members

    def _client(self, name: str, *, fresh: bool) -> Client:
        """Return the client of that name, or a fresh one in its place."""
        before = self.clients.get(name)
        if before is not None and not fresh:
            return before
        self._remove(name)
        return self.clients.setdefault(name, Client(self.log, self.room))

    def _remove(self, name: str) -> None:
        if client := self.clients.pop(name, None):
            self.room.leave(client)
            self.left.append(client.position)
            client.gone = True
            self.gone.append(client)

    @rule(name=NAMES, fresh=st.booleans(), data=st.data())
    def join(self, name: str, fresh: bool, data: st.DataObject) -> None:
        behind = Position(self.log.epoch, max(0, self.log.top - data.draw(st.integers(0, 4))))
        ahead = Position(self.log.epoch, 50)
        position = data.draw(st.sampled_from([None, behind, *self.left[-3:], ahead]))
        gap = self._client(name, fresh=fresh).join(position)
        if position == ahead and self.log.top < 50:
            assert gap is not None, "a position ahead of the log is never believed"

    @rule(name=NAMES, away=st.integers(0, KEPT))
    def join_after_an_audit(self, name: str, away: int) -> None:
        """A member that has received more from another worker can continue here."""
        self.room.on_top(self.log.end, newest_before=self.room.log.newest.offset)
        position = Position(self.log.epoch, max(0, self.log.top - away))
        gap = self._client(name, fresh=True).join(position)
        if (
            self.room.log.conflicts == self.room.log.resolved_conflicts
            and position.offset + 1 >= self.log.end.oldest
        ):
            assert gap is None

    @rule(name=NAMES, fresh=st.booleans(), count=st.integers(1, KEPT + 2), audited=st.booleans())
    def rewind(self, name: str, fresh: bool, count: int, audited: bool) -> None:
        if audited:
            self.room.on_top(self.log.end, newest_before=self.room.log.newest.offset)
        self._client(name, fresh=fresh).rewind(count)

    @rule(name=NAMES)
    def leave(self, name: str) -> None:
        self._remove(name)

    @rule(name=NAMES)
    def leave_and_come_back(self, name: str) -> None:
        """The same member at once, also between two slices of a fan-out."""
        if client := self.clients.get(name):
            self.room.leave(client)
            client.join(client.position)

    @rule(names=st.sets(NAMES), more=st.integers(1, 4), meanwhile=st.booleans())
    def members_take_more(self, names: set[str], more: int, meanwhile: bool) -> None:
        """Some members take more; a publication may come meanwhile."""
        for name in names & self.clients.keys():
            client = self.clients[name]
            client.credit = min(client.credit + more, 5)
            self.room.on_ready(client)
        if meanwhile:
            self.step(1)
            self.log.append()
            self.step(2)

    # ------------------------------------------------------------ delivery, step by step

    @rule(count=st.integers(1, 6))
    def step(self, count: int) -> None:
        """Some steps of the delivery."""
        for _ in range(count):
            next(self.steps)

    @rule(count=st.integers(1, 6))
    def step_as_well(self, count: int) -> None:
        """Again, so that it is chosen more often."""
        self.step(count)

    def _drive(self) -> Iterator[None]:
        """Do what RoomTask does; other events may happen at each step."""
        while True:
            yield from self.room.fan_out()
            read = self.room.next_read()
            self.idle = read is None
            yield
            if read is not None:
                page = self.log.read(read.offset)
                yield
                yield from self.room.apply_page(read, page)

    @rule()
    def settle(self) -> None:
        """An audit repairs everything; then all members that take everything have everything."""
        for client in self.clients.values():
            client.credit = 10_000
            self.room.on_ready(client)
        self.room.on_top(self.log.end, newest_before=self.room.log.newest.offset)
        self._until_idle()
        for client in self.clients.values():
            assert client.position == self.log.position
            client.credit = 2

    def _until_idle(self) -> None:
        self.idle = False
        for _ in range(400):
            next(self.steps)
            if self.idle:
                return
        pytest.fail("it never becomes idle")

    def teardown(self) -> None:
        self.settle()
        self.nothing_is_wrong()
        self.the_counters_add_up()

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert not [each.wrong for each in [*self.clients.values(), *self.gone] if each.wrong]

    @invariant()
    def no_member_is_beyond_the_newest(self) -> None:
        for client in self.clients.values():
            if client.position.epoch == self.room.log.epoch:
                assert client.position.offset <= self.room.log.newest.offset

    @invariant()
    def the_counters_add_up(self) -> None:
        """The room has counted what members have received and missed."""
        accounts = sum(client.account for client in [*self.clients.values(), *self.gone])
        counters = self.counters
        assert accounts == counters.delivered + counters.replayed + counters.skipped


@pytest.fixture(autouse=True, scope="module")
def _small_slices() -> Iterator[None]:
    """Have pauses with a few members already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FAN_OUT_SLICE", 1)
        yield


RoomMachine.TestCase.settings = machine_settings(examples=150, steps=50, shrinks=False)
TestRoom = RoomMachine.TestCase


# ---------------------------------------------------------------- one thing at a time


def make_room(*, published: int = 0) -> tuple[Log, Room, DeliveryCounters]:
    log, counters = Log(), DeliveryCounters()
    for _ in range(published):
        log.append()
    return log, Room("lobby", log.end, counters, send=id), counters


def run_until_idle(room: Room, log: Log) -> int:
    """Run until there is nothing to do; return the number of reads."""
    for reads in range(100):
        list(room.fan_out())
        read = room.next_read()
        if read is None:
            return reads
        list(room.apply_page(read, log.read(read.offset)))
    pytest.fail("it never becomes idle")


class Recorder:
    """A member that takes everything and records it."""

    def __init__(self) -> None:
        self.received: list[object] = []
        self.frames: list[EncodedPublication] = []
        self.error: Exception | None = None
        self.full = False

    def offer(self, _room: str, publication: Any, *, replayed: bool) -> bool:
        if self.full:
            return False
        if self.error is not None:
            raise self.error
        self.received.append(publication.offset)
        self.frames.append(publication)
        return True

    @property
    def rewound(self) -> list[int]:
        """The offsets of what said that it was replayed."""
        mark = '"replayed":true}'
        return [each.offset for each in self.frames if str(each.encoded.payload).endswith(mark)]

    def on_gap(self, _room: str, top: Position, gap: Gap) -> None:
        self.received.append((top.offset, gap))
        if self.error is not None:
            raise self.error


def test_a_publication_after_an_audit_was_sent_is_no_conflict() -> None:
    log, room, _ = make_room()
    newest_before, answer = room.log.newest.offset, log.end
    room.on_hint(log.epoch, log.append())
    list(room.fan_out())

    assert not room.on_top(answer, newest_before=newest_before)
    assert room.next_read() is None


def test_a_conflict_during_a_read_remains_after_it() -> None:
    log, room, _ = make_room(published=1)
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


def test_members_ahead_of_a_log_that_has_become_shorter_skip_to_its_end() -> None:
    log, room, counters = make_room(published=4)
    behind, live, beyond = Recorder(), Recorder(), Recorder()
    room.join(live)
    behind.full = True
    room.join(behind, Position(log.epoch, 1))
    run_until_idle(room, log)  # behind takes nothing
    room.on_top(LogEnd(Position(log.epoch, 6), 1), newest_before=4)
    assert room.join(beyond, Position(log.epoch, 6)) is None
    log.top, log.kept = 3, log.kept[:3]

    behind.full = False
    room.on_ready(behind)
    run_until_idle(room, log)

    assert live.received == [(3, Gap.AHEAD)]
    assert beyond.received == [(3, Gap.AHEAD)]
    assert behind.received == [2, 3]
    assert (counters.replayed, counters.skipped) == (2, 0)
    room.on_hint(log.epoch, log.append())
    run_until_idle(room, log)
    assert [member.received[-1] for member in (behind, live, beyond)] == [4, 4, 4]


def test_nothing_is_replayed_before_the_room_has_fanned_it_out() -> None:
    log, room, counters = make_room(published=3)
    behind, live = Recorder(), Recorder()
    room.join(behind, Position(log.epoch, 1))
    room.join(live)
    read = room.next_read()
    assert read is not None
    log.append()  # before the store answers

    list(room.apply_page(read, log.read(read.offset)))
    assert (behind.received, live.received) == ([2, 3], [])
    list(room.fan_out())
    assert (behind.received, live.received) == ([2, 3, 4], [4])
    assert (counters.replayed, counters.delivered) == (2, 2)


def test_a_member_that_leaves_in_a_pause_is_offered_nothing_more() -> None:
    log, room, _ = make_room(published=1)
    members = [Recorder() for _ in range(4)]
    _, second, third, fourth = members
    for member in members:
        room.join(member)
    room.on_hint(log.epoch, log.append())
    steps = room.fan_out()
    next(steps)
    room.leave(second)
    room.leave(third)
    room.join(third)  # after it, as join says
    room.leave(fourth)
    room.join(fourth, Position(log.epoch, 1))  # before it
    list(steps)
    assert [member.received for member in members] == [[2], [], [], []]

    run_until_idle(room, log)
    assert [member.received for member in members] == [[2], [], [], [2]]


def test_a_member_that_leaves_in_a_pause_of_a_replay_gets_no_more_of_it() -> None:
    log, room, counters = make_room(published=2)
    members = [Recorder() for _ in range(3)]
    for member in members:
        room.join(member, Position(log.epoch, 0))
    read = room.next_read()
    assert read is not None
    steps = room.apply_page(read, log.read(0))
    next(steps)
    room.leave(members[1])
    list(steps)
    assert [member.received for member in members] == [[1, 2], [], [1, 2]]
    assert counters.replayed == 4


def test_a_member_that_leaves_in_a_pause_is_told_of_no_gap() -> None:
    log, room, counters = make_room(published=2)
    members = [Recorder() for _ in range(3)]
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
    room.join(members[2])  # in the new log, as join says
    list(steps)
    assert [member.received for member in members] == [[(1, Gap.EPOCH_CHANGED)], [], []]
    assert counters.skipped == 1


def test_no_member_stays_beyond_an_end_that_the_store_takes_back() -> None:
    log, room, _ = make_room(published=4)
    room.on_top(LogEnd(Position(log.epoch, 9), 1), newest_before=4)
    beyond, live = Recorder(), Recorder()
    room.join(beyond, Position(log.epoch, 8))
    room.join(live, Position(log.epoch, 4))

    run_until_idle(room, log)

    assert beyond.received == [(4, Gap.AHEAD)]
    assert live.received == []


def test_an_empty_page_before_the_end_means_that_what_follows_is_lost() -> None:
    """No store should answer so; if one does, the room must not ask for ever."""
    log, room, _ = make_room(published=3)
    member = Recorder()
    room.join(member, Position(log.epoch, 1))
    broken = LogSlice(log.end, [])

    read = room.next_read()
    assert read is not None
    list(room.apply_page(read, broken))

    assert member.received == [(3, Gap.EXPIRED)]
    assert room.next_read() is None


def test_a_member_that_raises_affects_no_other_and_loses_nothing() -> None:
    log, room, counters = make_room()
    broken, sound = Recorder(), Recorder()
    room.join(broken)
    room.join(sound)
    broken.error = RuntimeError("a defect")
    for _ in range(2):
        room.on_hint(log.epoch, log.append())
        run_until_idle(room, log)
    assert (broken.received, sound.received) == ([], [1, 2])

    room.on_ready(broken)
    run_until_idle(room, log)
    assert broken.received == []
    broken.error = None
    room.on_ready(broken)
    run_until_idle(room, log)

    assert broken.received == [1, 2]
    assert (counters.delivered, counters.replayed) == (2, 2)


def test_a_failing_send_does_not_end_the_fan_out() -> None:
    def fail(_publication: object) -> None:
        raise RuntimeError("a defect")

    log = Log()
    room = Room("lobby", log.end, DeliveryCounters(), send=fail)
    members = [Recorder() for _ in range(3)]
    for member in members:
        room.join(member)
    for _ in range(2):
        room.on_hint(log.epoch, log.append())
    run_until_idle(room, log)
    assert [member.received for member in members] == [[1, 2]] * 3


def test_a_member_that_raises_in_on_gap_affects_no_other() -> None:
    log, room, _ = make_room()
    broken, sound = Recorder(), Recorder()
    broken.error = RuntimeError("a defect")
    room.join(broken)
    room.join(sound)
    log.restart()
    room.on_top(log.end, newest_before=0)

    run_until_idle(room, log)

    assert sound.received == [(0, Gap.EPOCH_CHANGED)]


def test_members_behind_share_a_read_at_different_offsets() -> None:
    log, room, counters = make_room(published=KEPT)
    members = [Recorder() for _ in range(3)]
    for offset, member in enumerate(members, KEPT - PIECE):
        room.join(member, Position(log.epoch, offset))

    assert run_until_idle(room, log) == 1

    assert [member.received for member in members] == [[4, 5, 6], [5, 6], [6]]
    assert counters.replayed == 6


def test_a_rewind_is_marked_up_to_where_the_log_ended_at_the_join() -> None:
    log, room, counters = make_room(published=4)
    live, rewinding = Recorder(), Recorder()
    room.join(live)
    room.join(rewinding, room.log.rewound(3), rewinds=True)
    room.on_hint(log.epoch, log.append())
    run_until_idle(room, log)
    room.on_hint(log.epoch, log.append())
    run_until_idle(room, log)
    assert (rewinding.received, rewinding.rewound) == ([2, 3, 4, 5, 6], [2, 3, 4])
    assert (live.received, live.rewound) == ([5, 6], [])
    assert (counters.delivered, counters.replayed) == (2 + 1, 4)


def test_a_rewind_is_marked_also_where_the_room_has_yet_to_read_it() -> None:
    """The store has reported publications that this room has not fanned out."""
    log, room, _ = make_room(published=3)
    live, rewinding, overlapping = Recorder(), Recorder(), Recorder()
    room.join(live)
    for _ in range(2):
        log.append()
    room.on_top(log.end, newest_before=3)
    room.join(rewinding, room.log.rewound(2), rewinds=True)
    room.join(overlapping, room.log.rewound(4), rewinds=True)
    log.append()
    room.on_hint(log.epoch, log.kept[-1])
    run_until_idle(room, log)
    assert (live.received, live.rewound) == ([4, 5, 6], [])
    assert (rewinding.received, rewinding.rewound) == ([4, 5, 6], [4, 5])
    assert (overlapping.received, overlapping.rewound) == ([2, 3, 4, 5, 6], [2, 3, 4, 5])


def test_members_share_the_frame_of_a_rewind() -> None:
    log, room, _ = make_room(published=1)
    members = [Recorder() for _ in range(3)]
    for member in members:
        room.join(member, room.log.rewound(1), rewinds=True)
    run_until_idle(room, log)
    assert [member.rewound for member in members] == [[1]] * 3
    assert len({id(member.frames[0]) for member in members}) == 1


def test_a_rewind_that_the_log_overtakes_is_a_gap() -> None:
    log, room, _ = make_room(published=KEPT)
    member = Recorder()
    room.join(member, room.log.rewound(KEPT), rewinds=True)
    log.append()
    run_until_idle(room, log)
    assert (member.received, member.rewound) == ([(6, Gap.EXPIRED), 7], [])


def test_a_rewind_that_has_begun_and_is_overtaken_is_a_gap() -> None:
    log, room, _ = make_room(published=KEPT)
    member = Recorder()
    room.join(member, room.log.rewound(KEPT), rewinds=True)
    read = room.next_read()
    assert read is not None
    list(room.apply_page(read, log.read(read.offset)))  # a page of it
    assert member.received == [1, 2, 3]
    for _ in range(KEPT - 1):
        log.append()
    run_until_idle(room, log)
    assert member.received[3:] == [(6, Gap.EXPIRED), 7, 8, 9, 10, 11]
    assert member.rewound == [1, 2, 3]


def test_the_end_of_a_rewind_moves_back_with_a_log_that_becomes_shorter() -> None:
    log, room, _ = make_room(published=3)
    room.on_top(LogEnd(Position(log.epoch, 6), 1), newest_before=3)
    member = Recorder()
    room.join(member, room.log.rewound(5), rewinds=True)
    run_until_idle(room, log)
    room.on_hint(log.epoch, log.append())
    run_until_idle(room, log)
    assert (member.received, member.rewound) == ([2, 3, 4], [2, 3])


def test_a_loss_moves_no_member_back() -> None:
    """The answer of the store is older than what an audit has found since."""
    log, room, counters = make_room(published=KEPT)
    live, ahead = Recorder(), Recorder()
    room.join(live)

    def audit(published: int) -> None:
        newest = room.log.newest.offset
        for _ in range(published):
            log.append()
        room.on_top(log.end, newest_before=newest)

    audit(2)
    read = room.next_read()
    assert read is not None
    page = log.read(read.offset)
    audit(KEPT)
    assert room.join(ahead, Position(log.epoch, 9)) is None
    audit(3)
    list(room.apply_page(read, page))
    run_until_idle(room, log)
    assert live.received == ahead.received == [(11, Gap.EXPIRED), 12, 13, 14, 15, 16, 17]
    assert counters.skipped == (11 - 6) + (11 - 9)


def test_publications_before_the_start_of_a_new_member_count_as_skipped() -> None:
    log, room, counters = make_room(published=KEPT + 5)
    assert room.join(Recorder(), Position(log.epoch, 2)) is Gap.EXPIRED
    assert counters.skipped == KEPT + 3
    assert room.join(Recorder(), Position("another", 4)) is Gap.EPOCH_CHANGED
    assert counters.skipped == KEPT + 3 + KEPT + 5
    assert room.join(Recorder(), Position(log.epoch, 100)) is Gap.AHEAD
    assert room.join(Recorder()) is None
    assert counters.skipped == KEPT + 3 + KEPT + 5


def test_publications_of_hints_far_ahead_are_read_from_the_log() -> None:
    log, room, _ = make_room()
    for offset in range(2, 1000):
        room.on_hint(log.epoch, entry(offset, "early"))
    assert len(room._pending) < module.MAX_PENDING
    assert room.next_read() == LogRead(0, 0)


@pytest.mark.parametrize(("members", "publications"), [(10, 1), (1, 10), (3, 4)])
def test_other_tasks_run_between_slices(
    members: int, publications: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAN_OUT_SLICE", 3)
    log, room, counters = make_room(published=4)
    for _ in range(members):
        room.join(Recorder())
        room.join(Recorder(), Position(log.epoch, 3))
    for _ in range(publications):
        room.on_hint(log.epoch, log.append())

    before = 0
    for _ in room.fan_out():
        assert 0 < counters.delivered - before <= 3
        before = counters.delivered
    assert counters.delivered == members * publications

    read = room.next_read()
    assert read is not None
    before = 0
    for _ in room.apply_page(read, log.read(read.offset)):
        assert 3 <= counters.replayed - before < 3 + PIECE
        before = counters.replayed
