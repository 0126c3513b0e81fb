"""One room at this worker: what is known of its log, and how far each member has got.

No I/O and no clock. Whoever drives it reads the log as :meth:`Room.wants` says, gives what
was read to :meth:`Room.absorb`, and goes through :meth:`Room.hand_out`, one after the other,
pausing at each step so that others get their turn. Whatever happens in between, a member is
handed publication *n* only when it has got *n − 1*: joining with a position, a gap left by
a lost hint and a slow reader are the same to it.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from realtime.protocol.position import Gap, Position, gap_after
from realtime.store.log import End

logger = logging.getLogger("realtime.worker")

# So many publications are handed over before somebody else gets a turn.
SLICE = 256

# So many publications wait here for those before them; the log has the others.
MOST_WAITING = 64


class Publication(Protocol):
    """One entry of the log, ready to be handed over."""

    @property
    def offset(self) -> int: ...
    @property
    def size(self) -> int:
        """Bytes, as flow control counts them."""
        ...


class Member(Protocol):
    """Somebody in the room, told from others by identity.

    What it is asked and given must not wait, nor change the room.
    """

    def takes(self, publication: Publication) -> bool:
        """Whether it can be handed this one now."""
        ...

    def hand(self, room: str, publication: Publication, *, replayed: bool) -> None:
        """Here it is."""
        ...

    def tell(self, room: str, top: Position, gap: Gap) -> None:
        """What lies before ``top`` is lost for it; it goes on from there."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """What was read of a log: where it ends, and what follows the offset that was asked for,
    in order and without holes."""

    end: End
    publications: Sequence[Publication]


@dataclass(frozen=True, slots=True)
class Read:
    """What is to be read: publications after ``offset``. ``doubts`` are those there were
    then; there may be more when the store answers."""

    offset: int
    doubts: int


@dataclass(slots=True)
class Tally:
    """What became of publications, over all members of any number of rooms: within an epoch
    the three add up to the offsets that members have reached less those they came with."""

    delivered: int = 0
    replayed: int = 0
    skipped: int = 0


class Membership:
    """A member's place: it has got everything up to ``offset``. *Live* ones, at the top or
    beyond it, are handed what comes. The others are behind: they are served from the log until
    they meet the top, unless they took no more when they were last asked."""

    __slots__ = ("live", "member", "offset")

    def __init__(self, member: Member, offset: int, *, live: bool) -> None:
        self.member = member
        self.offset = offset
        self.live = live


class Room:
    """Begins where the store said that the log ends. ``doubts`` counts how often somebody
    spoke of another log than this; up to ``cleared`` the store has been asked."""

    __slots__ = (
        "_confirmed",
        "_epoch",
        "_goal",
        "_heard",
        "_hungry",
        "_members",
        "_oldest",
        "_tally",
        "_top",
        "_waiting",
        "cleared",
        "doubts",
        "name",
    )

    def __init__(self, name: str, end: End, tally: Tally) -> None:
        self.name = name
        self._tally = tally
        self._epoch = end.top.epoch
        self._top = end.top.offset
        self._confirmed = self._top  # the newest offset that the store itself has told
        self._goal = self._top  # the newest offset that anybody has spoken of
        self._heard = 0  # the same, since something was last absorbed
        self._oldest = end.oldest
        self.doubts = self.cleared = 0
        self._waiting: dict[int, Publication] = {}  # beyond the top, before they are handed out
        self._members: dict[Member, Membership] = {}
        self._hungry: dict[Member, Membership] = {}  # behind, and may take more

    @property
    def top(self) -> Position:
        """The newest publication that was handed out or is being handed out."""
        return Position(self._epoch, self._top)

    @property
    def newest(self) -> Position:
        """The newest publication that there certainly is: hints alone prove nothing."""
        return Position(self._epoch, max(self._top, self._confirmed))

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, member: Member) -> bool:
        return member in self._members

    # ------------------------------------------------------------ members

    def join(self, member: Member, position: Position | None = None) -> Gap | None:
        """Take a member in after ``position``, or after the newest publication if it has none
        or cannot go on from there; why it cannot.

        The caller tells it of that before anything is handed out.
        """
        newest = self.newest
        gap = None if position is None else gap_after(position, top=newest, oldest=self._oldest)
        if position and gap:
            self._tally.skipped += _missed(position.offset, gap, newest.offset)
        start = newest.offset if position is None or gap else position.offset
        self.leave(member)
        membership = Membership(member, start, live=start >= self._top)
        self._members[member] = membership
        if not membership.live:
            self._hungry[member] = membership
        return gap

    def leave(self, member: Member) -> None:
        """Forget a member, also in the middle of a fan-out."""
        if membership := self._members.pop(member, None):
            membership.live = False
            self._hungry.pop(member, None)

    def wake(self, member: Member) -> bool:
        """The member may take more than when it was last asked; whether there is more."""
        membership = self._members.get(member)
        if membership is None or membership.live:
            return False
        self._hungry[member] = membership
        return True

    # ------------------------------------------------------------ what is heard of the log

    def hint(self, epoch: str, publication: Publication) -> bool:
        """A publication that came past the store: it may be doubled, late or early. Whether
        there is something to do now."""
        offset = publication.offset
        if epoch != self._epoch:
            self.doubts += 1
        elif offset > self._top:
            self._hear_of(offset)
            if offset <= self._top + MOST_WAITING:
                self._waiting.setdefault(offset, publication)
        else:
            return False
        return True

    def audit(self, end: End, *, asked_at: int) -> bool:
        """Where the log ends, as the store says: whether there is something to do now.

        ``asked_at`` is the newest offset when it was asked. What was handed out since may
        be missing in the answer; what there was before may not.
        """
        if end.top.epoch != self._epoch or end.top.offset < asked_at:
            self.doubts += 1
            return True
        self._confirmed = max(self._confirmed, end.top.offset)
        self._oldest = max(self._oldest, end.oldest)
        self._hear_of(end.top.offset)
        return self._goal > self._top

    def _hear_of(self, offset: int) -> None:
        self._heard = max(self._heard, offset)
        self._goal = max(self._goal, offset)

    # ------------------------------------------------------------ what is to be done

    def hand_out(self) -> Iterator[None]:
        """Hand what waits to everybody who is live, in order; pauses between slices."""
        handed = 0
        while publication := self._waiting.pop(self._top + 1, None):
            self._top = publication.offset  # first: who joins in a pause begins after it
            self._goal = max(self._goal, self._top)
            memberships = list(self._members.values())
            for start in range(0, len(memberships), SLICE):
                part = memberships[start : start + SLICE]
                handed += len(part)
                if handed > SLICE:
                    handed = len(part)
                    yield
                self._fan_out(publication, part)

    def _fan_out(self, publication: Publication, memberships: Iterable[Membership]) -> None:
        """The one loop whose cost everybody pays for everybody: nothing more in it."""
        room, offset = self.name, publication.offset
        before, handed = offset - 1, 0
        for membership in memberships:
            if membership.offset != before or not membership.live:
                continue
            try:
                if membership.member.takes(publication):
                    membership.member.hand(room, publication, replayed=False)
                    membership.offset = offset
                    handed += 1
                else:
                    membership.live = False
            except Exception:  # a defect of one member must not cost the others anything
                logger.exception("a member of %s could not be handed a publication", room)
                membership.live = False
        self._tally.delivered += handed

    def wants(self) -> Read | None:
        """What to read next; None while nobody waits for anything that can be handed over."""
        if self.doubts > self.cleared or self._goal > self._top:
            return Read(self._top, self.doubts)
        if self._hungry:
            return Read(min(each.offset for each in self._hungry.values()), self.doubts)
        return None

    def absorb(self, read: Read, page: Page) -> Iterator[None]:
        """Take what was read; pauses between slices."""
        self.cleared = read.doubts
        heard, self._heard = self._heard, 0
        if page.end.top.epoch == self._epoch:
            yield from self._go_on(page.end.top.offset, _oldest(read, page), heard)
            self._keep(page.publications)
            yield from self._serve(read.offset, page.publications)
        else:
            yield from self._begin_anew(page.end)

    def _begin_anew(self, end: End) -> Iterator[None]:
        """Another log: everybody is told, and is live from its end."""
        self._epoch, self._top = end.top.epoch, end.top.offset
        self._goal = self._confirmed = self._top
        self._oldest = end.oldest
        self._waiting.clear()
        yield from self._lose([(each, Gap.EPOCH_CHANGED) for each in self._members.values()])

    def _go_on(self, end: int, oldest: int, heard: int) -> Iterator[None]:
        """The same log: those for whom it does not reach far enough, back or on, are told."""
        self._oldest = max(self._oldest, oldest)
        shrunk = end < self._top  # no log does so; one that did would be believed
        # What was spoken of before it was asked, and is not there, was never true.
        self._goal = end if shrunk else max(end, heard)
        doubtful = self._confirmed > self._goal
        self._confirmed = min(max(self._confirmed, end), self._goal)
        jumps = shrunk or self._top + 1 < self._oldest
        if jumps:
            self._jump(end)
        suspects = self._members if jumps or doubtful else self._hungry
        gaps = [(each, self._gap_at(each.offset)) for each in suspects.values()]
        yield from self._lose([(each, gap) for each, gap in gaps if gap])

    def _gap_at(self, offset: int) -> Gap | None:
        if offset > self._goal:
            return Gap.AHEAD
        return Gap.EXPIRED if offset + 1 < self._oldest else None

    def _jump(self, top: int) -> None:
        """What lies in between cannot be handed out; those beyond the old top may need it."""
        self._top = top
        self._waiting.clear()
        for member, membership in self._members.items():
            if membership.offset >= top:
                membership.live = True
                self._hungry.pop(member, None)
            elif membership.live:
                membership.live = False
                self._hungry[member] = membership

    def _lose(self, lost: Sequence[tuple[Membership, Gap]]) -> Iterator[None]:
        top = self.top
        missed = [_missed(membership.offset, gap, top.offset) for membership, gap in lost]
        # All places first: in a pause nobody may be served from where they were.
        for membership, _ in lost:
            membership.offset, membership.live = top.offset, True
            self._hungry.pop(membership.member, None)
        for number, (membership, gap) in enumerate(lost):
            if number and number % SLICE == 0:
                yield
            if self._members.get(membership.member) is membership:
                self._tally.skipped += missed[number]
                self._tell(membership.member, top, gap)

    def _tell(self, member: Member, top: Position, gap: Gap) -> None:
        try:
            member.tell(self.name, top, gap)
        except Exception:
            logger.exception("a member of %s could not be told of a loss", self.name)

    def _keep(self, publications: Iterable[Publication]) -> None:
        """What a read brings beyond the top is the room's first, and better than a hint."""
        for publication in publications:
            if publication.offset > self._top:
                self._waiting[publication.offset] = publication

    def _serve(self, offset: int, publications: Sequence[Publication]) -> Iterator[None]:
        """Those who are behind within what was read share it."""
        beyond, handed = offset + len(publications), 0
        hungry = [each for each in self._hungry.values() if offset <= each.offset < beyond]
        for membership in hungry:
            if handed >= SLICE:
                handed = 0
                yield
            if self._hungry.get(membership.member) is membership:
                before = membership.offset
                self._catch_up(membership, publications[before - offset :])
                handed += membership.offset - before
                self._tally.replayed += membership.offset - before

    def _catch_up(self, membership: Membership, publications: Iterable[Publication]) -> None:
        member = membership.member
        for publication in publications:
            if publication.offset > self._top:
                break
            if not self._replay(member, publication):
                del self._hungry[member]
                return
            membership.offset = publication.offset
        if membership.offset == self._top:  # no pause since: nothing can have come in between
            membership.live = True
            del self._hungry[member]

    def _replay(self, member: Member, publication: Publication) -> bool:
        """Whether it was handed over."""
        try:
            if not member.takes(publication):
                return False
            member.hand(self.name, publication, replayed=True)
        except Exception:
            logger.exception("a member of %s could not be handed a publication", self.name)
            return False
        return True


def _oldest(read: Read, page: Page) -> int:
    """The oldest offset there is. A log that goes on after what was asked for, and does not
    say what follows, has lost that: to ask again would go on for ever."""
    if page.publications or page.end.top.offset <= read.offset:
        return page.end.oldest
    return max(page.end.oldest, read.offset + 2)


def _missed(offset: int, gap: Gap, top: int) -> int:
    """How many publications lie between, of those that are known of."""
    return max(0, top - (0 if gap is Gap.EPOCH_CHANGED else offset))
