"""One room at this worker: what is known of its log, and how far each member has got.

No I/O and no clock. Whoever drives it reads the log as :meth:`Room.wants` says, gives what
was read to :meth:`Room.absorb`, and goes through :meth:`Room.hand_out`, one after the other,
pausing at each step so that others get their turn. Whatever happens in between, a member is
handed publication *n* only when it has got *n − 1*: joining with a position, a gap left by
a lost hint and a slow reader are the same to it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from realtime.protocol.position import Gap, Position
from realtime.store.log import LogEnd

from .log_view import LoggedPublication, LogRead, LogSlice, LogView

logger = logging.getLogger("realtime.worker")

# So many publications are handed over before somebody else gets a turn.
SLICE = 256

# So many publications wait here for those before them; the log has the others.
MOST_WAITING = 64


class Member(Protocol):
    """Somebody in the room, told from others by identity.

    What it is asked and given must not wait, nor change the room.
    """

    def offer(self, room: str, publication: LoggedPublication, *, replayed: bool) -> bool:
        """Here is one; whether it was taken. One that is not replayed may be sent with those
        of others, by ``send``."""
        ...

    def tell(self, room: str, top: Position, gap: Gap) -> None:
        """What lies before ``top`` is lost for it; it goes on from there."""
        ...


@dataclass(slots=True)
class DeliveryCounters:
    """What became of publications, over all members of any number of rooms: within an epoch
    the three add up to the offsets that members have reached less those they came with."""

    delivered: int = 0
    replayed: int = 0
    skipped: int = 0


class Subscription:
    """A member's place: it has got everything up to ``offset``. *Live* ones, at the top or
    beyond it, are handed what comes. The others are behind: they are served from the log until
    they meet the top, unless they took no more when they were last asked."""

    __slots__ = ("live", "member", "offset")

    def __init__(self, member: Member, offset: int, *, live: bool) -> None:
        self.member = member
        self.offset = offset
        self.live = live


class Room:
    """Begins where the store said that the log ends. ``send`` is called with a publication
    that members were handed, before the next pause."""

    __slots__ = ("_hungry", "_members", "_send", "_tally", "_waiting", "log", "name")

    def __init__(
        self,
        name: str,
        end: LogEnd,
        tally: DeliveryCounters,
        *,
        send: Callable[[LoggedPublication], object],
    ) -> None:
        self.name = name
        self._send = send
        self.log = LogView(end)
        self._tally = tally
        self._waiting: dict[
            int, LoggedPublication
        ] = {}  # beyond the top, before they are handed out
        self._members: dict[Member, Subscription] = {}
        self._hungry: dict[Member, Subscription] = {}  # behind, and may take more

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
        newest = self.log.newest
        gap = None if position is None else self.log.gap(position)
        if position and gap:
            self._tally.skipped += _missed(position.offset, gap, newest.offset)
        start = newest.offset if position is None or gap else position.offset
        self.leave(member)
        membership = Subscription(member, start, live=start >= self.log.top)
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

    def hint(self, epoch: str, publication: LoggedPublication) -> bool:
        """A publication that came past the store: it may be doubled, late or early. Whether
        there is something to do now."""
        news = self.log.hear_of(epoch, publication.offset)
        if news and epoch == self.log.epoch and publication.offset <= self.log.top + MOST_WAITING:
            self._waiting.setdefault(publication.offset, publication)
        return news

    def audit(self, end: LogEnd, *, asked_at: int) -> bool:
        """Where the log ends, as the store says, and what was the newest when it was asked.
        Whether there is something to do now."""
        return self.log.audit(end, asked_at=asked_at)

    # ------------------------------------------------------------ what is to be done

    def hand_out(self) -> Iterator[None]:
        """Hand what waits to everybody who is live, in order; pauses between slices."""
        handed = 0
        while publication := self._waiting.pop(self.log.top + 1, None):
            self.log.advance(publication.offset)  # first: who joins in a pause begins after it
            memberships = list(self._members.values())
            for start in range(0, len(memberships), SLICE):
                part = memberships[start : start + SLICE]
                handed += len(part)
                if handed > SLICE:
                    handed = len(part)
                    yield
                self._fan_out(publication, part)

    def _fan_out(self, publication: LoggedPublication, memberships: Iterable[Subscription]) -> None:
        """The one loop whose cost everybody pays for everybody: nothing more in it."""
        room, offset = self.name, publication.offset
        before, handed = offset - 1, 0
        for membership in memberships:
            if membership.offset != before or not membership.live:
                continue
            try:
                if membership.member.offer(room, publication, replayed=False):
                    membership.offset = offset
                    handed += 1
                else:
                    membership.live = False
            except Exception:  # a defect of one member must not cost the others anything
                logger.exception("a member of %s could not be handed a publication", room)
                membership.live = False
        self._tally.delivered += handed
        try:
            self._send(publication)
        except Exception:  # those whom it has not reached count fewer, and come back
            logger.exception("a publication in %s could not be sent to everybody", room)

    def wants(self) -> LogRead | None:
        """What to read next; None while nobody waits for anything that can be handed over."""
        read = self.log.wants()
        if read is None and self._hungry:
            return self.log.read_after(min(each.offset for each in self._hungry.values()))
        return read

    def absorb(self, read: LogRead, page: LogSlice) -> Iterator[None]:
        """Take what was read; pauses between slices."""
        if page.end.top.epoch != self.log.epoch:
            self.log.cleared = read.doubts
            self.log.begin_anew(page.end)
            self._waiting.clear()
            yield from self._lose([(each, Gap.EPOCH_CHANGED) for each in self._members.values()])
            return
        moved = self.log.learn(read, page)
        if moved:
            self._place_anew()
        suspects = self._members if moved else self._hungry
        gap_at = self.log.gap_at
        lost = [(each, gap) for each in suspects.values() if (gap := gap_at(each.offset))]
        yield from self._lose(lost)
        self._keep(page.publications)
        yield from self._serve(read.offset, page.publications)

    def _place_anew(self) -> None:
        """The top has moved without a publication: some may have been beyond it who are not
        now, or the other way round."""
        self._waiting.clear()
        for member, membership in self._members.items():
            if membership.offset >= self.log.top:
                membership.live = True
                self._hungry.pop(member, None)
            elif membership.live:
                membership.live = False
                self._hungry[member] = membership

    def _lose(self, lost: Sequence[tuple[Subscription, Gap]]) -> Iterator[None]:
        top = Position(self.log.epoch, self.log.top)
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

    def _keep(self, publications: Iterable[LoggedPublication]) -> None:
        """What a read brings beyond the top is the room's first, and better than a hint."""
        for publication in publications:
            if publication.offset > self.log.top:
                self._waiting[publication.offset] = publication

    def _serve(self, offset: int, publications: Sequence[LoggedPublication]) -> Iterator[None]:
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

    def _catch_up(
        self, membership: Subscription, publications: Iterable[LoggedPublication]
    ) -> None:
        member = membership.member
        for publication in publications:
            if publication.offset > self.log.top:
                break
            if not self._replay(member, publication):
                del self._hungry[member]
                return
            membership.offset = publication.offset
        if membership.offset == self.log.top:  # no pause since: nothing can have come in between
            membership.live = True
            del self._hungry[member]

    def _replay(self, member: Member, publication: LoggedPublication) -> bool:
        """Whether it was handed over."""
        try:
            return member.offer(self.name, publication, replayed=True)
        except Exception:
            logger.exception("a member of %s could not be handed a publication", self.name)
            return False


def _missed(offset: int, gap: Gap, top: int) -> int:
    """How many publications lie between, of those that are known of."""
    return max(0, top - (0 if gap is Gap.EPOCH_CHANGED else offset))
