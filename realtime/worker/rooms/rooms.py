"""The rooms that sessions of this worker are in."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager

from realtime.bus.publication_batches import PublicationBatch
from realtime.protocol.messages import JoinResult
from realtime.protocol.position import Rewind, Start
from realtime.protocol.rooms import is_private
from realtime.protocol.window import WINDOW, WINDOW_BYTES
from realtime.store.log import MAX_BATCH, Log, LogEnd
from realtime.store.records import Deliveries, Peer

from ..connections.broadcast import Broadcast
from .audit_schedule import AuditSchedule
from .batched_reads import WorkerStopped
from .encoding import encode_publication
from .log_ends import LogEnds
from .log_view import LogRead, LogSlice
from .new_room_limit import NewRoomLimit
from .room import DeliveryCounters, Member, Room
from .room_task import RoomTask

# Reads of logs at a time. The others wait here, where no timeout of the store runs.
MAX_READS = 16

# Seconds between two runs of :meth:`Rooms.audit` and :meth:`Rooms.poll_recent`.
AUDIT_INTERVAL, RECENT_INTERVAL = 0.25, 1.0


class Rooms:
    """Adds members to rooms and sees that each gets every publication or learns of a gap.

    A room exists here while it has members or is being prepared; ``on_open(room)`` and
    ``on_close(room)`` are called when that begins and ends, ``on_leave(member, room)`` when a
    member leaves. Members are compared by identity.
    Call :meth:`audit` and :meth:`poll_recent` every AUDIT_INTERVAL and RECENT_INTERVAL seconds;
    both raise StoreUnavailable. Without ``new_rooms`` new rooms are not limited.
    """

    def __init__(
        self,
        log: Log,
        *,
        on_open: Callable[[str], object] = lambda _room: None,
        on_close: Callable[[str], object] = lambda _room: None,
        on_leave: Callable[[Member, str], object] = lambda _member, _room: None,
        new_rooms: NewRoomLimit | None = None,
    ) -> None:
        self._log = log
        self._on_open = on_open
        self._on_close = on_close
        self._on_leave = on_leave
        self._new_rooms = new_rooms
        self._loop = asyncio.get_running_loop()
        self._ends = LogEnds(log)
        self._audits = AuditSchedule()
        self._preparing: Counter[str] = Counter()
        self._room_tasks: dict[str, RoomTask] = {}
        self._reading = asyncio.Semaphore(MAX_READS)
        self._counters = DeliveryCounters()
        self.broadcast = Broadcast()
        self._retired: set[asyncio.Task[None]] = set()
        self._stopped = False

    def names(self) -> Iterator[str]:
        """Iterate over all rooms that exist here."""
        return iter(self._room_tasks.keys() | self._preparing.keys())

    @property
    def deliveries(self) -> Deliveries:
        """Counts since the start; ``published`` is not counted here."""
        counters = self._counters
        return Deliveries(
            delivered=counters.delivered, replayed=counters.replayed, skipped=counters.skipped
        )

    async def stop(self) -> None:
        """End all tasks. From now on preparing a room raises StoreUnavailable."""
        self._stopped = True
        for room_task in self._room_tasks.values():
            self._retire(room_task)
        await self._ends.stop()
        tasks = list(self._retired)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # ------------------------------------------------------------ joining, in two phases

    @asynccontextmanager
    async def prepare(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Read where the logs of these rooms end; inside, members can :meth:`join` them. Raises
        StoreUnavailable."""
        names = list(names)
        for name in names:
            self._hold(name)
        try:
            await self._read_tops(names)
            for name in names:
                await self._room_tasks[name].resolve_conflicts()
            yield
        finally:
            for name in names:
                self._release(name)

    def check_new(self, name: str, peer: Peer) -> None:
        """Count a prepared room against the user's limit if it is new: not private, without
        members here, and without publications. Raises TooManyNewRooms."""
        room = self._room_tasks[name].room
        is_new = not len(room) and not room.log.newest.offset and not is_private(name)
        if is_new and self._new_rooms is not None:
            self._new_rooms.count(name, peer)

    def join(self, member: Member, name: str, start: Start) -> JoinResult:
        """Add a member to a prepared room. Report the result to it before the next await. Raises
        ValueError if the room is not prepared."""
        if not self._preparing[name]:
            raise ValueError(f"expected a room that is prepared, not {name}")
        room_task = self._room_tasks[name]
        if not len(room_task.room):
            self._audits.add_room(name, self._loop.time())
        if start is not None:
            room_task.wake()
        room, newest = room_task.room, room_task.room.log.newest
        if isinstance(start, Rewind):
            begin = room.log.rewound(start.count)
            room.join(member, begin, rewinds=True)
            return JoinResult(newest.epoch, newest.offset, after=begin.offset)
        gap = room.join(member, start)
        recovered = None if start is None else gap is None
        return JoinResult(newest.epoch, newest.offset, recovered, gap and gap.value)

    def leave(self, member: Member, name: str) -> None:
        """Remove a member from a room; nothing happens if it is not in it."""
        self._on_leave(member, name)
        if room_task := self._room_tasks.get(name):
            room_task.room.leave(member)
            self._close_if_empty(name)

    def leave_all(self, member: Member, names: Iterable[str]) -> None:
        """Remove a member from these rooms."""
        for name in names:
            self.leave(member, name)

    def on_ready(self, member: Member, names: Iterable[str]) -> None:
        """Offer a member more publications of these rooms, after it had refused one."""
        for name in names:
            room_task = self._room_tasks.get(name)
            if room_task and room_task.room.on_ready(member):
                room_task.wake()

    def _hold(self, name: str) -> None:
        if name not in self._preparing and name not in self._room_tasks:
            self._on_open(name)
        self._preparing[name] += 1

    def _release(self, name: str) -> None:
        self._preparing[name] -= 1
        if not self._preparing[name]:
            del self._preparing[name]
        self._close_if_empty(name)

    def _close_if_empty(self, name: str) -> None:
        room_task = self._room_tasks.get(name)
        if room_task and len(room_task.room):
            return
        self._audits.remove_room(name)
        if name in self._preparing:
            return
        if room_task:
            self._retire(self._room_tasks.pop(name))
        self._on_close(name)

    def _retire(self, room_task: RoomTask) -> None:
        room_task.retire()
        if room_task.task is not None and not room_task.task.done():
            self._retired.add(room_task.task)
            room_task.task.add_done_callback(self._retired.discard)

    # ------------------------------------------------------------ news of the logs

    def on_publication(self, batch: PublicationBatch) -> None:
        """Deliver a batch of this process or another to its room, if that is here; see
        :meth:`.Room.on_hint`. Audits the room if the batch is not complete."""
        room_task = self._room_tasks.get(batch.room)
        if room_task is None:
            return
        for entry in batch.entries:
            if room_task.room.on_hint(batch.epoch, encode_publication(batch.room, entry)):
                room_task.wake()
        if not batch.entries or batch.entries[-1].offset < batch.top:
            self._audits.request([batch.room])

    def request_audit(self, names: Iterable[str]) -> None:
        """Audit these rooms soon, because a member has beaten."""
        self._audits.request(names)

    async def audit(self) -> None:
        """Ask the store where the logs end of all rooms whose audit is due."""
        while names := self._audits.take_due(self._loop.time(), MAX_BATCH):
            try:
                await self._read_tops(names)
            except Exception:
                self._audits.request(names)
                raise

    async def poll_recent(self) -> None:
        """Ask the store which logs have grown lately, if it can tell."""
        for name, end in (await self._log.recent() or {}).items():
            if name in self._room_tasks:
                self._on_top(name, end, newest_before=0)

    async def _read_tops(self, names: Collection[str]) -> None:
        if self._stopped:
            raise WorkerStopped("this worker ends")
        newest_before = {
            name: room_task.room.log.newest.offset
            for name in names
            if (room_task := self._room_tasks.get(name))
        }
        for name, end in (await self._ends.read(names)).items():
            self._on_top(name, end, newest_before=newest_before.get(name, 0))

    def _on_top(self, name: str, end: LogEnd, *, newest_before: int) -> None:
        room_task = self._room_tasks.get(name)
        if room_task is None:
            if name in self._preparing:
                room = Room(name, end, self._counters, send=self.broadcast.send)
                self._room_tasks[name] = RoomTask(room, self._read_page)
        elif room_task.room.on_top(end, newest_before=newest_before):
            room_task.wake()

    async def _read_page(self, name: str, read: LogRead) -> LogSlice:
        async with self._reading:
            page = await self._log.read(
                name, after=read.offset, limit=WINDOW, max_bytes=WINDOW_BYTES
            )
        return LogSlice(page.end, [encode_publication(name, entry) for entry in page.entries])
