"""One room at this worker: what is known of its log, and how far each member has got.

No I/O and no clock. Whoever drives it reads the log as :meth:`Room.wants` says, gives what
was read to :meth:`Room.absorb`, and goes through :meth:`Room.hand_out`, pausing at each
step of the two so that others get their turn. Whatever happens in between, a member is
handed publication *n* only when it has got *n − 1*: joining with a position, a gap left by
a lost hint and a slow reader are the same to it.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from realtime.protocol.position import Gap, Position, gap_after

# So many members are handed a publication before somebody else gets a turn.
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
    """Somebody in the room. ``hand`` and ``tell`` must not wait, nor change the room."""

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
    """What was read of a log: its position, the oldest offset kept, and what follows the
    offset that was asked for, in order."""

    top: Position
    oldest: int
    publications: Sequence[Publication]


@dataclass(frozen=True, slots=True)
class Read:
    """What is to be read: publications after ``offset``. ``goal`` and ``doubts`` are what
    was believed then; more may be heard while the store answers."""

    offset: int
    goal: int
    doubts: int


class Membership:
    """A member's place: it has got everything up to ``offset``. *Live* ones are handed what
    comes; the others are behind, and are served from the log until they meet the top.
    A *full* one took no more when it was last asked."""

    __slots__ = ("full", "live", "member", "offset")

    def __init__(self, member: Member, offset: int, *, live: bool) -> None:
        self.member = member
        self.offset = offset
        self.live = live
        self.full = False


class Room:
    """Begins where a first read found the log's end."""

    def __init__(self, name: str, page: Page) -> None:
        self.name = name
        self._epoch = page.top.epoch
        self._top = page.top.offset
        self._goal = self._top  # the newest offset somebody has spoken of
        self._oldest = page.oldest
        self._doubts = self._cleared = 0  # how often somebody spoke of another log
        self._waiting: dict[int, Publication] = {}  # beyond the top, before they are handed out
        self._members: dict[Hashable, Membership] = {}
        self._behind: dict[Hashable, Membership] = {}

    @property
    def top(self) -> Position:
        """The newest publication that was handed out or is being handed out."""
        return Position(self._epoch, self._top)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._members

    # ------------------------------------------------------------ members

    def gap(self, position: Position) -> Gap | None:
        """Why nobody can go on from there, as far as is known; None if they can."""
        return gap_after(position, top=self.top, oldest=self._oldest)

    def join(self, key: Hashable, member: Member, *, offset: int | None = None) -> None:
        """Take a member in, from the top or behind it at ``offset``, which has no gap.

        The caller tells it of its position first, without a pause in between.
        """
        start = self._top if offset is None else offset
        membership = Membership(member, start, live=start == self._top)
        self._members[key] = membership
        self._behind.pop(key, None)
        if not membership.live:
            self._behind[key] = membership

    def leave(self, key: Hashable) -> None:
        """Forget a member."""
        self._members.pop(key, None)
        self._behind.pop(key, None)

    def wake(self, key: Hashable) -> None:
        """The member may take more than when it was last asked."""
        if membership := self._behind.get(key):
            membership.full = False

    # ------------------------------------------------------------ what is heard of the log

    def hint(self, epoch: str, publication: Publication) -> None:
        """A publication that came past the store. It may be forged, doubled, late or early."""
        offset = publication.offset
        if epoch != self._epoch:
            self._doubts += 1
        elif offset > self._top:
            self._goal = max(self._goal, offset)
            if offset <= self._top + MOST_WAITING:
                self._waiting.setdefault(offset, publication)

    def audit(self, top: Position) -> None:
        """Where the log ends, as the store says."""
        if top.epoch != self._epoch or top.offset < self._top:
            self._doubts += 1
        else:
            self._goal = max(self._goal, top.offset)

    # ------------------------------------------------------------ what is to be done

    def hand_out(self) -> Iterator[None]:
        """Hand what waits to everybody who is live, in order; pauses after each slice."""
        while publication := self._waiting.pop(self._top + 1, None):
            self._top = publication.offset  # first: who joins in a pause begins after it
            self._goal = max(self._goal, self._top)
            yield from self._fan_out(publication)

    def _fan_out(self, publication: Publication) -> Iterator[None]:
        for number, (key, membership) in enumerate(list(self._members.items()), 1):
            # In a pause it may have left, and come back with another membership.
            if membership.live and self._members.get(key) is membership:
                self._hand(key, membership, publication)
            if number % SLICE == 0:
                yield

    def _hand(self, key: Hashable, membership: Membership, publication: Publication) -> None:
        if membership.offset != publication.offset - 1:
            return
        if membership.member.takes(publication):
            membership.offset = publication.offset
            membership.member.hand(self.name, publication, replayed=False)
        else:
            membership.live, membership.full = False, True
            self._behind[key] = membership

    def wants(self) -> Read | None:
        """What to read next; None while nobody waits for anything that can be handed over."""
        if self._doubts > self._cleared or self._goal > self._top:
            return Read(self._top, self._goal, self._doubts)
        offsets = [each.offset for each in self._behind.values() if not each.full]
        return Read(min(offsets), self._goal, self._doubts) if offsets else None

    def absorb(self, read: Read, page: Page) -> Iterator[None]:
        """Take what was read; pauses after each slice of members."""
        self._cleared = read.doubts
        if page.top.epoch != self._epoch or page.top.offset < self._top:
            gap = Gap.EPOCH_CHANGED if page.top.epoch != self._epoch else Gap.AHEAD
            yield from self._begin_anew(page, gap)
            return
        self._oldest = _oldest(read, page)
        if self._goal == read.goal:  # nobody has spoken of more since: the store is right
            self._goal = page.top.offset
        self._goal = max(self._goal, page.top.offset)
        if read.offset == self._top and self._top + 1 < self._oldest:
            yield from self._begin_anew(page, Gap.EXPIRED)
            return
        self._keep(page.publications)
        yield from self._expire()
        yield from self._serve(read.offset, page.publications)

    def _keep(self, publications: Iterable[Publication]) -> None:
        """What a read brings beyond the top is the room's first, and better than a hint."""
        for publication in publications:
            if publication.offset > self._top:
                self._waiting[publication.offset] = publication

    def _begin_anew(self, page: Page, gap: Gap) -> Iterator[None]:
        """Nobody can go on: everybody is told, and is live from the log's end."""
        self._epoch, self._top = page.top.epoch, page.top.offset
        self._oldest = page.oldest
        self._goal = self._top
        self._waiting.clear()
        yield from self._lose(list(self._members.items()), gap)

    def _expire(self) -> Iterator[None]:
        """Those who are behind by more than the log keeps cannot go on."""
        beyond = self._oldest - 1
        lost = [item for item in self._behind.items() if item[1].offset < beyond]
        yield from self._lose(lost, Gap.EXPIRED)

    def _lose(self, members: Sequence[tuple[Hashable, Membership]], gap: Gap) -> Iterator[None]:
        # All places first: in a pause nobody may be served from where they were.
        for key, membership in members:
            membership.offset, membership.live = self._top, True
            self._behind.pop(key, None)
        top = self.top
        for number, (key, membership) in enumerate(members, 1):
            if self._members.get(key) is membership:
                membership.member.tell(self.name, top, gap)
            if number % SLICE == 0:
                yield

    def _serve(self, offset: int, publications: Sequence[Publication]) -> Iterator[None]:
        """Those who are behind at this offset share what was read."""
        served = [item for item in self._behind.items() if item[1].offset == offset]
        for number, (key, membership) in enumerate(served, 1):
            if self._behind.get(key) is membership:
                self._catch_up(key, membership, publications)
            if number % SLICE == 0:
                yield

    def _catch_up(
        self, key: Hashable, membership: Membership, publications: Sequence[Publication]
    ) -> None:
        for publication in publications:
            if publication.offset > self._top:
                break
            if not membership.member.takes(publication):
                membership.full = True
                return
            membership.offset = publication.offset
            membership.member.hand(self.name, publication, replayed=True)
        if membership.offset == self._top:  # no pause since: nothing can have come in between
            membership.live = True
            self._behind.pop(key, None)


def _oldest(read: Read, page: Page) -> int:
    """The oldest offset there is. A log that ends later than what was asked for, and then does
    not say what follows, has lost it: to ask again would go on for ever."""
    publications = page.publications
    told = bool(publications) and publications[0].offset == read.offset + 1
    nothing_new = page.top.offset == read.offset
    return page.oldest if told or nothing_new else page.top.offset + 1
