"""Presence: the users in a room, for the clients here that have asked.

Invariants:

1. All watchers of a room have one picture of it: the answer to each is that picture, and every
   change of it goes to all of them. So a change costs one frame, encoded once.
2. A picture is read from the store, INTERVAL after the time before at the earliest, however many
   watch or ask. A room without watchers is not read.
3. A picture is read, and follows the store, only while the store's content is settled. A store that
   was emptied has lost its sessions until their workers register them again: no client hears of
   that, and those that ask meanwhile have to ask again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice

import msgspec

from realtime.protocol.frames import encode_message
from realtime.protocol.messages import encode
from realtime.protocol.presence_messages import ListedUser, PresenceFrame
from realtime.store.contract import MAX_PRESENCES, StoreUnavailable
from realtime.store.records import PresenceAnswer, RoomPresence

from ..connections.connection import Connection
from .batched_reads import BatchedReads
from .room import Member

INTERVAL = 1.0  # seconds between two changes of a room, at least
POLL_INTERVAL = 0.25  # seconds between two runs of :meth:`Presences.poll`
SENDS_PER_TURN = 200


class _WatchedRoom:
    """A room with watchers: its picture, and when it may be read again (the loop's time)."""

    __slots__ = ("due", "picture", "watchers")

    def __init__(self, picture: RoomPresence, due: float) -> None:
        self.picture = picture
        self.due = due
        self.watchers: dict[Member, Connection] = {}


class Presences:
    """The rooms whose presence clients here watch. ``read(rooms)`` is the store's ``presence``. Set
    ``settled()``, which returns the incarnation of the store's content, or None while that may
    lack sessions. Call :meth:`poll` every POLL_INTERVAL seconds."""

    def __init__(self, read: Callable[[Mapping[str, str]], Awaitable[PresenceAnswer]]) -> None:
        self._read = read
        self._first_reads = BatchedReads(
            self._read_anew, most=MAX_PRESENCES, name="realtime-presence"
        )
        self._rooms: dict[str, _WatchedRoom] = {}
        self._loop = asyncio.get_running_loop()
        self.settled: Callable[[], str | None] = lambda: None

    async def prepare(self, room: str) -> RoomPresence:
        """Return a room's picture for :meth:`watch`, read from the store if there are no watchers
        here. Raises StoreUnavailable, also while the store's content is not settled."""
        if watched := self._rooms.get(room):
            return watched.picture
        return (await self._first_reads.read([room]))[room]

    def watch(
        self, room: str, member: Member, connection: Connection, *, prepared: RoomPresence, id: int
    ) -> None:
        """Answer the request ``id`` of a member of the room. Its connection gets every change from
        now on, until :meth:`forget`."""
        watched = self._rooms.get(room)
        if watched is None:
            due = self._loop.time() + INTERVAL
            watched = self._rooms[room] = _WatchedRoom(prepared, due)
        watched.watchers[member] = connection
        picture = watched.picture
        listed = msgspec.UNSET if picture.listed is None else _users(picture.listed.items())
        connection.send(PresenceFrame(room, picture.sessions, picture.users, listed, id=id))

    def forget(self, member: Member, room: str) -> None:
        """Send this member no more changes of the room, which it has left."""
        watched = self._rooms.get(room)
        if watched and watched.watchers.pop(member, None) and not watched.watchers:
            del self._rooms[room]

    async def poll(self) -> None:
        """Read the rooms that are due, and send what has changed. Raises StoreUnavailable."""
        now = self._loop.time()
        due = iter([(room, watched) for room, watched in self._rooms.items() if watched.due <= now])
        while batch := dict(islice(due, MAX_PRESENCES)):
            await self._follow(batch)

    async def _follow(self, batch: Mapping[str, _WatchedRoom]) -> None:
        known = {room: each.picture.version for room, each in batch.items()}
        pictures = await self._read_settled(known)
        if pictures is None:
            return
        for room, watched in batch.items():
            watched.due = self._loop.time() + INTERVAL
            picture = pictures.get(room)
            # Watched anew meanwhile, it has a newer picture.
            if picture is not None and self._rooms.get(room) is watched:
                await self._change(room, watched, picture)

    async def _change(self, room: str, watched: _WatchedRoom, picture: RoomPresence) -> None:
        change = change_of(room, watched.picture, picture)
        watched.picture = picture
        if change is None:
            return
        message = encode_message(encode(change))
        for number, (member, connection) in enumerate(list(watched.watchers.items()), start=1):
            if member in watched.watchers:
                connection.send_encoded(message)
            if number % SENDS_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _read_anew(self, rooms: Sequence[str]) -> Mapping[str, RoomPresence]:
        pictures = await self._read_settled(dict.fromkeys(rooms, ""))
        if pictures is None:
            raise StoreUnavailable("the store may lack sessions that other workers have")
        return pictures

    async def _read_settled(self, known: Mapping[str, str]) -> Mapping[str, RoomPresence] | None:
        """Return the pictures of other versions; None if the store's content is not settled."""
        incarnation = self.settled()
        if incarnation is None:
            return None
        answer = await self._read(known)
        return answer.rooms if answer.incarnation == incarnation == self.settled() else None

    async def stop(self) -> None:
        """End the reads that are under way."""
        await self._first_reads.stop()


def change_of(room: str, before: RoomPresence, after: RoomPresence) -> PresenceFrame | None:
    """The change from one picture of a room to the next; None if clients see no difference."""
    counts = (after.sessions, after.users)
    if counts == (before.sessions, before.users) and after.listed == before.listed:
        return None
    if after.listed is None:
        return PresenceFrame(room, *counts, None, joined=(), left=())
    if before.listed is None:
        return PresenceFrame(room, *counts, _users(after.listed.items()), joined=(), left=())
    joined = after.listed.items() - before.listed.items()
    left = before.listed.keys() - after.listed.keys()
    return PresenceFrame(room, *counts, joined=_users(sorted(joined)), left=tuple(sorted(left)))


def _users(listed: Iterable[tuple[str, str]]) -> tuple[ListedUser, ...]:
    return tuple(ListedUser(user, msgspec.Raw(data.encode())) for user, data in listed)
