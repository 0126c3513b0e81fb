"""The rooms that sessions of this worker are in."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager

from realtime.protocol.messages import JoinResult
from realtime.protocol.position import Position
from realtime.protocol.rooms import is_private
from realtime.protocol.window import WINDOW, WINDOW_BYTES
from realtime.store.contract import StoreUnavailable
from realtime.store.log import MAX_BATCH, Log, LogEnd
from realtime.store.records import Deliveries, Peer

from ..connections.broadcast import Broadcast
from .audit_schedule import AuditSchedule
from .encoding import EncodedPublication, encode_publication
from .log_ends import LogEnds
from .log_view import LogRead, LogSlice
from .new_room_limit import NewRoomLimit
from .room import DeliveryCounters, Member, Room
from .room_task import RoomTask

# So many logs are read at a time. The others wait here, where no timeout of the store runs.
READS = 16

# Every so many seconds it is seen what is to be audited, and asked what is new.
AUDIT_EVERY, RECENT_EVERY = 0.25, 1.0


def _nothing(_room: str) -> None:
    """Nobody follows which rooms there are."""


class Rooms:
    """Takes members in, and sees that each gets everything, or is told.

    A room exists here while somebody is in it or about to come in: ``opened`` and ``closed``
    are called with its name when that begins and ends. Members are told apart by identity.
    :meth:`audit` and :meth:`ask_for_news` are to be called every AUDIT_EVERY and RECENT_EVERY
    seconds; they raise StoreUnavailable. Without ``new_rooms`` nobody counts them.
    """

    def __init__(
        self,
        log: Log,
        *,
        opened: Callable[[str], object] = _nothing,
        closed: Callable[[str], object] = _nothing,
        new_rooms: NewRoomLimit | None = None,
    ) -> None:
        self._log = log
        self._opened = opened
        self._closed = closed
        self._new_rooms = new_rooms
        self._loop = asyncio.get_running_loop()
        self._ends = LogEnds(log)
        self._agenda = AuditSchedule()
        self._held: Counter[str] = Counter()  # by those who are about to come in
        self._drivers: dict[str, RoomTask] = {}
        self._reading = asyncio.Semaphore(READS)
        self._tally = DeliveryCounters()
        self.mailing = Broadcast()
        self._retired: set[asyncio.Task[None]] = set()
        self._stopped = False

    def names(self) -> Iterator[str]:
        """All rooms that exist here."""
        return iter(self._drivers.keys() | self._held.keys())

    @property
    def deliveries(self) -> Deliveries:
        """What became of publications here since the start; ``published`` is not known here."""
        tally = self._tally
        return Deliveries(delivered=tally.delivered, replayed=tally.replayed, skipped=tally.skipped)

    async def stop(self) -> None:
        """End all that is under way. Nobody comes in any more."""
        self._stopped = True
        for driver in self._drivers.values():
            self._retire(driver)
        await self._ends.stop()
        tasks = list(self._retired)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # ------------------------------------------------------------ coming in, in two phases

    @asynccontextmanager
    async def prepared(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Learn where the logs of these rooms end; inside, members can :meth:`enter` them.

        Raises StoreUnavailable.
        """
        names = list(names)
        for name in names:
            self._hold(name)
        try:
            await self._ask(names)
            for name in names:
                await self._drivers[name].clear()
            yield
        finally:
            for name in names:
                self._release(name)

    def check_new(self, name: str, peer: Peer) -> None:
        """A room that is prepared counts as new while nothing was published there, nobody here
        is in it, and it is no user's own. Raises TooManyNew if its user has named too many."""
        room = self._drivers[name].room
        is_new = not len(room) and not room.log.newest.offset and not is_private(name)
        if is_new and self._new_rooms is not None:
            self._new_rooms.count(name, peer)

    def enter(self, member: Member, name: str, position: Position | None) -> JoinResult:
        """Take a member into a room that is prepared: what it is told before anything else,
        without an ``await`` in between. Raises ValueError if it is not prepared."""
        if not self._held[name]:
            raise ValueError(f"expected a room that is prepared, not {name}")
        driver = self._drivers[name]
        if not len(driver.room):
            self._agenda.joined(name, self._loop.time())
        gap = driver.room.join(member, position)
        if position is not None:
            driver.go_on()
        newest = driver.room.log.newest
        return JoinResult(
            newest.epoch,
            newest.offset,
            recovered=None if position is None else gap is None,
            reason=gap and gap.value,
        )

    def leave(self, member: Member, name: str) -> None:
        """Take a member out of a room; nothing if it is not in it."""
        if driver := self._drivers.get(name):
            driver.room.leave(member)
            self._forget_if_empty(name)

    def leave_all(self, member: Member, names: Iterable[str]) -> None:
        """Take a member out of all its rooms."""
        for name in names:
            self.leave(member, name)

    def wake(self, member: Member, names: Iterable[str]) -> None:
        """The member can take more than before."""
        for name in names:
            driver = self._drivers.get(name)
            if driver and driver.room.wake(member):
                driver.go_on()

    def _hold(self, name: str) -> None:
        if name not in self._held and name not in self._drivers:
            self._opened(name)
        self._held[name] += 1

    def _release(self, name: str) -> None:
        self._held[name] -= 1
        if not self._held[name]:
            del self._held[name]
        self._forget_if_empty(name)

    def _forget_if_empty(self, name: str) -> None:
        driver = self._drivers.get(name)
        if driver and len(driver.room):
            return
        self._agenda.left(name)
        if name in self._held:
            return
        if driver:
            self._retire(self._drivers.pop(name))
        self._closed(name)

    def _retire(self, driver: RoomTask) -> None:
        driver.retire()
        if driver.task is not None and not driver.task.done():
            self._retired.add(driver.task)
            driver.task.add_done_callback(self._retired.discard)

    # ------------------------------------------------------------ what is heard of the logs

    def hear(self, name: str, epoch: str, publication: EncodedPublication) -> None:
        """A publication of this process, or a hint of another's."""
        driver = self._drivers.get(name)
        if driver and driver.room.hint(epoch, publication):
            driver.go_on()

    def audit_soon(self, names: Iterable[str]) -> None:
        """A member of these rooms has beaten: see that nothing is missing."""
        self._agenda.soon(names)

    async def audit(self) -> None:
        """Ask where the logs end of all rooms whose audit is due."""
        while names := self._agenda.take(self._loop.time(), MAX_BATCH):
            try:
                await self._ask(names)
            except Exception:
                self._agenda.soon(names)
                raise

    async def ask_for_news(self) -> None:
        """Hear of the logs that have grown lately, from a store that can tell."""
        for name, end in (await self._log.recent() or {}).items():
            if name in self._drivers:
                self._hear_of_end(name, end, asked_at=0)

    async def _ask(self, names: Collection[str]) -> None:
        if self._stopped:
            raise StoreUnavailable("this worker ends")
        asked_at = {
            name: driver.room.log.newest.offset
            for name in names
            if (driver := self._drivers.get(name))
        }
        for name, end in (await self._ends.of(names)).items():
            self._hear_of_end(name, end, asked_at=asked_at.get(name, 0))

    def _hear_of_end(self, name: str, end: LogEnd, *, asked_at: int) -> None:
        driver = self._drivers.get(name)
        if driver is None:
            if name in self._held:
                self._drivers[name] = RoomTask(self._room(name, end), self._read)
        elif driver.room.audit(end, asked_at=asked_at):
            driver.go_on()

    def _room(self, name: str, end: LogEnd) -> Room:
        return Room(name, end, self._tally, send=lambda each: self.mailing.send(each.encoded))

    async def _read(self, name: str, read: LogRead) -> LogSlice:
        async with self._reading:
            extract = await self._log.read(
                name, after=read.offset, limit=WINDOW, max_bytes=WINDOW_BYTES
            )
        return LogSlice(extract.end, [encode_publication(name, entry) for entry in extract.entries])
