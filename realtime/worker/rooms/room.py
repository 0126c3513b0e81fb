"""One room at this worker: its view of the log, and how far each member has got.

No I/O and no clock. :class:`.RoomTask` drives it: it goes through :meth:`Room.fan_out`, reads the
log as :meth:`Room.next_read` says, and goes through :meth:`Room.apply_page` with the result. It
pauses at each step of these, so that other tasks run.

Invariants, also if members join, leave or become ready in a pause:

1. A member is offered publication *n* only when it has taken *n - 1*. Its ``offset`` is the last
   one it has taken, or where it joined, or the top that ``on_gap`` has told it.
2. A member is live or behind. Live ones are at the top or beyond it, or the publication at the
   top is about to be offered to them. Those behind are offered pages until they reach the top,
   and the end of their rewind: live members share one frame, which does not say ``replayed``.
3. A member that does not take a publication is behind and not read for, until ``on_ready``.
   ``_behind`` holds the members that are behind and may take more.
4. ``_pending`` holds publications beyond the top, at most MAX_PENDING ahead of it if hinted. The
   next one is fanned out as soon as it is there.
5. No publication is dropped silently: if a member cannot continue, ``on_gap`` says why, and it
   continues at the top.
6. Nothing is replayed from a page before the room has fanned it out.
7. Within an epoch ``delivered`` + ``replayed`` + ``skipped`` is the sum of how far members have
   advanced from the positions that they joined with.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from realtime.protocol.frames import EncodedMessage
from realtime.protocol.position import Gap, Position
from realtime.store.log import LogEnd

from .encoding import EncodedPublication
from .log_view import LogRead, LogSlice, LogView

logger = logging.getLogger("realtime.worker")

# Publications offered between two pauses.
FAN_OUT_SLICE = 256

# Hinted publications kept per room until those before them arrive; the log has the others.
MAX_PENDING = 64


class Member(Protocol):
    """A member of the room, compared by identity. Its methods must not wait nor change the room."""

    def offer(self, room: str, publication: EncodedPublication, *, replayed: bool) -> bool:
        """Take the next publication and return True, or return False if there is no capacity. If it
        is not ``replayed``, the member may leave the writing to the room's ``send``."""
        ...

    def on_gap(self, room: str, top: Position, gap: Gap) -> None:
        """Report that publications before ``top`` are lost; the member continues there."""
        ...


@dataclass(slots=True)
class DeliveryCounters:
    """Publications over all members of any number of rooms: fanned out, replayed from the log,
    and skipped because of a gap."""

    delivered: int = 0
    replayed: int = 0
    skipped: int = 0


class Subscription:
    """A member with its offset, and whether it is live; see the invariants. Publications up to
    ``rewind_end`` belong to its rewind; 0 if it has none."""

    __slots__ = ("live", "member", "offset", "rewind_end")

    def __init__(self, member: Member, offset: int, *, rewind_end: int = 0) -> None:
        self.member = member
        self.offset = offset
        self.rewind_end = rewind_end
        self.live = True


class Room:
    """Starts at the end of the log that the store has reported. Offers each publication to
    slices of FAN_OUT_SLICE members or fewer, and calls ``send(message)`` after each slice."""

    __slots__ = ("_behind", "_counters", "_members", "_pending", "_send", "log", "name")

    def __init__(
        self,
        name: str,
        end: LogEnd,
        counters: DeliveryCounters,
        *,
        send: Callable[[EncodedMessage], object],
    ) -> None:
        self.name = name
        self._send = send
        self.log = LogView(end)
        self._counters = counters
        self._pending: dict[int, EncodedPublication] = {}
        self._members: dict[Member, Subscription] = {}
        self._behind: dict[Member, Subscription] = {}

    def __len__(self) -> int:
        return len(self._members)

    # ------------------------------------------------------------ members

    def join(
        self, member: Member, position: Position | None = None, *, rewinds: bool = False
    ) -> Gap | None:
        """Add a member at ``position``, or at the newest publication without one. Returns why it
        cannot continue at ``position``; it then joins at the newest publication. The caller reports
        the result to it before the next pause. If it ``rewinds``, it is offered what it has missed
        as ``rewound``."""
        newest = self.log.newest
        gap = None if position is None else self.log.gap(position)
        if position and gap:
            self._counters.skipped += _missed(position.offset, gap, newest.offset)
        start = newest.offset if position is None or gap else position.offset
        self.leave(member)
        end = newest.offset if rewinds else 0
        self._members[member] = subscription = Subscription(member, start, rewind_end=end)
        self._classify(subscription)
        return gap

    def _classify(self, subscription: Subscription) -> None:
        """Make a subscription live if it has reached the top and the end of its rewind, and one
        that was live behind if not."""
        was_live, offset = subscription.live, subscription.offset
        subscription.live = offset >= self.log.top and offset >= subscription.rewind_end
        if subscription.live:
            self._behind.pop(subscription.member, None)
        elif was_live:
            self._behind[subscription.member] = subscription

    def leave(self, member: Member) -> None:
        """Remove a member, also in a pause; nothing happens if it is not in the room."""
        if subscription := self._members.pop(member, None):
            subscription.live = False
            self._behind.pop(member, None)

    def on_ready(self, member: Member) -> bool:
        """Offer a member more again; return whether there is more for it."""
        subscription = self._members.get(member)
        if subscription is None or subscription.live:
            return False
        self._behind[member] = subscription
        return True

    # ------------------------------------------------------------ news of the log

    def on_hint(self, epoch: str, publication: EncodedPublication) -> bool:
        """Apply a publication that came past the store, perhaps repeated, late or early. Returns
        whether there is something to do now."""
        is_new = self.log.on_hint(epoch, publication.offset)
        if is_new and epoch == self.log.epoch and publication.offset <= self.log.top + MAX_PENDING:
            self._pending.setdefault(publication.offset, publication)
        return is_new

    def on_top(self, end: LogEnd, *, newest_before: int) -> bool:
        """Apply the store's answer where the log ends; see :meth:`.LogView.on_top`. Returns whether
        there is something to do now."""
        return self.log.on_top(end, newest_before=newest_before)

    # ------------------------------------------------------------ delivery

    def fan_out(self) -> Iterator[None]:
        """Offer pending publications to all live members, in order; pauses between slices."""
        offered = 0
        while publication := self._pending.pop(self.log.top + 1, None):
            self.log.advance(publication.offset)  # first: who joins in a pause starts after it
            subscriptions = list(self._members.values())
            for start in range(0, len(subscriptions), FAN_OUT_SLICE):
                part = subscriptions[start : start + FAN_OUT_SLICE]
                offered += len(part)
                if offered > FAN_OUT_SLICE:
                    offered = len(part)
                    yield
                self._offer_to(publication, part)

    def _offer_to(
        self, publication: EncodedPublication, subscriptions: Iterable[Subscription]
    ) -> None:
        # The hottest loop: it runs for each publication and member.
        room, offset = self.name, publication.offset
        before, taken = offset - 1, 0
        for subscription in subscriptions:
            if subscription.offset != before or not subscription.live:
                continue
            try:
                if subscription.member.offer(room, publication, replayed=False):
                    subscription.offset = offset
                    taken += 1
                else:
                    subscription.live = False
            except Exception:  # a defect of one member must not affect the others
                logger.exception("a member of %s failed to take a publication", room)
                subscription.live = False
        self._counters.delivered += taken
        try:
            self._send(publication.encoded)
        except Exception:  # members it did not reach count fewer, and reconnect
            logger.exception("a publication in %s could not be sent to all members", room)

    def next_read(self) -> LogRead | None:
        """Return what to read next; None if no member could take more of it."""
        read = self.log.next_read()
        if read is None and self._behind:
            return self.log.read_after(min(each.offset for each in self._behind.values()))
        return read

    def apply_page(self, read: LogRead, page: LogSlice) -> Iterator[None]:
        """Apply the result of a read; pauses between slices."""
        if page.end.top.epoch != self.log.epoch:
            self.log.resolved_conflicts = read.conflicts
            self.log.reset(page.end)
            self._pending.clear()
            gaps = [(each, Gap.EPOCH_CHANGED) for each in self._members.values()]
            yield from self._skip_to_top(gaps)
            return
        moved = self.log.on_read(read, page)
        if moved:
            self._reclassify_members()
        candidates = self._members if moved else self._behind
        gap_of = self.log.gap_of_member
        gaps = [(each, gap) for each in candidates.values() if (gap := gap_of(each.offset))]
        yield from self._skip_to_top(gaps)
        self._add_pending(page.publications)
        yield from self._replay_page(read.offset, page.publications)

    def _reclassify_members(self) -> None:
        """Compare all members with a top that has moved without a publication."""
        self._pending.clear()
        for subscription in self._members.values():
            subscription.rewind_end = min(subscription.rewind_end, self.log.top)
            self._classify(subscription)

    def _skip_to_top(self, gaps: Sequence[tuple[Subscription, Gap]]) -> Iterator[None]:
        top = Position(self.log.epoch, self.log.top)
        missed = [_missed(subscription.offset, gap, top.offset) for subscription, gap in gaps]
        # Move all before the first pause: none may be offered anything at its old offset.
        for subscription, _ in gaps:
            subscription.offset, subscription.live = top.offset, True
            subscription.rewind_end = 0
            self._behind.pop(subscription.member, None)
        for index, (subscription, gap) in enumerate(gaps):
            if index and index % FAN_OUT_SLICE == 0:
                yield
            if self._members.get(subscription.member) is subscription:
                self._counters.skipped += missed[index]
                self._report_gap(subscription.member, top, gap)

    def _report_gap(self, member: Member, top: Position, gap: Gap) -> None:
        try:
            member.on_gap(self.name, top, gap)
        except Exception:
            logger.exception("a member of %s failed to report a gap", self.name)

    def _add_pending(self, publications: Iterable[EncodedPublication]) -> None:
        """Keep what a read brings beyond the top; it replaces hints, which may be wrong."""
        for publication in publications:
            if publication.offset > self.log.top:
                self._pending[publication.offset] = publication

    def _replay_page(
        self, offset: int, publications: Sequence[EncodedPublication]
    ) -> Iterator[None]:
        """Offer a page, which begins after ``offset``, to all members behind within it."""
        end, taken = offset + len(publications), 0
        behind = [each for each in self._behind.values() if offset <= each.offset < end]
        for subscription in behind:
            if taken >= FAN_OUT_SLICE:
                taken = 0
                yield
            if self._behind.get(subscription.member) is subscription:
                before = subscription.offset
                self._catch_up(subscription, publications[before - offset :])
                taken += subscription.offset - before
                self._counters.replayed += subscription.offset - before

    def _catch_up(
        self, subscription: Subscription, publications: Iterable[EncodedPublication]
    ) -> None:
        member = subscription.member
        for publication in publications:
            if publication.offset > self.log.top:
                break
            is_rewound = publication.offset <= subscription.rewind_end
            if not self._replay(member, publication.rewound if is_rewound else publication):
                del self._behind[member]
                return
            subscription.offset = publication.offset
        self._classify(subscription)  # no pause since, so the top is still there

    def _replay(self, member: Member, publication: EncodedPublication) -> bool:
        try:
            return member.offer(self.name, publication, replayed=True)
        except Exception:
            logger.exception("a member of %s failed to take a publication", self.name)
            return False


def _missed(offset: int, gap: Gap, top: int) -> int:
    """Return how many known publications lie between a member's offset and the top."""
    return max(0, top - (0 if gap is Gap.EPOCH_CHANGED else offset))
