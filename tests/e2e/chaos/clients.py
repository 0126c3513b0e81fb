"""The wire protocol as a client sees it, written from its description and from nothing else."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from .record import Counted, Diary, Ended, Got, Hello, Joined, JoinRequest, Left, Position, mark

Frame = dict[str, Any]
now = time.monotonic

FAR_AHEAD = 1_000_000
SILENCE = 6.0  # seconds after which the server counts as lost; it pings every second


class Link:
    """One connection, and what is counted on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.present: set[str] = set()  # rooms the server has let it into
        self.leaving: set[str] = set()
        self.refused: set[str] = set()  # rooms to ask for again
        self.received = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self._ids = 0
        self._unsaid = [0, 0]  # publications and bytes since the last count was sent
        self._quarter = (1, 1)

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    def number(self) -> int:
        """The id of a new request."""
        self._ids += 1
        return self._ids

    def welcomed(self, frame: Frame) -> None:
        self._quarter = (frame["window"] // 4, frame["window_bytes"] // 4)

    def counts(self, size: int) -> bool:
        """Count a publication of so many bytes; whether it is time to say so."""
        self.received += 1
        self._unsaid[0] += 1
        self._unsaid[1] += size
        if not any(have >= most for have, most in zip(self._unsaid, self._quarter, strict=True)):
            return False
        self._unsaid = [0, 0]
        return True


class Client:
    """A client in ``rooms`` and in its private one, which keeps a diary.

    A ``reticent`` one sends the number of publications received only in pongs.
    """

    def __init__(self, diary: Diary, *, rooms: set[str], reticent: bool) -> None:
        self.diary = diary
        self.link: Link | None = None  # once welcomed
        self._rooms = rooms
        self._reticent = reticent
        self._positions: dict[str, Position] = {}
        self._ticket: Frame | None = None
        self._turn = 0  # attempts so far
        self._lie: str | None = None  # a room whose position it will make up

    @property
    def seen(self) -> int:
        """Publications so far."""
        return sum(isinstance(event, Got) for event in self.diary.events)

    @property
    def connections(self) -> int:
        """How many it has begun."""
        return sum(isinstance(event, Hello) for event in self.diary.events)

    @property
    def session(self) -> str:
        """The session that it is connected to; empty while it is not."""
        return str(self._ticket["session"]) if self.link and self._ticket else ""

    @property
    def wanted(self) -> set[str]:
        """The rooms it means to be in."""
        return {*self._rooms, self.diary.private}

    def is_at(self, ends: Mapping[str, Position]) -> bool:
        """Whether it is in all its rooms and has got to their ends."""
        wanted = self.wanted
        there = self.link.present if self.link else set()
        return wanted <= there and all(self._positions.get(r) == ends.get(r) for r in wanted)

    async def converse(self, link: Link, door: str) -> None:
        """Say hello and listen, until the connection is over."""
        code = None
        try:
            await self._hello(link, door)
            while True:
                await link.reading.wait()
                async with asyncio.timeout(SILENCE):
                    text = await link.socket.recv()
                await self._hear(link, json.loads(text), len(text))
        except TimeoutError:
            pass
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
        self.diary.events.append(Ended(now(), code))

    async def _hello(self, link: Link, door: str) -> None:
        rooms = {room: self._positions.get(room) for room in sorted(self.wanted)}
        if self._lie and (true := rooms.get(self._lie)):
            rooms[self._lie] = Position(true.epoch, true.offset + FAR_AHEAD)
        self._lie = None
        self.diary.events.append(Hello(now(), door, rooms))
        self._turn += 1
        extra = {"resume": {**self._ticket, "turn": self._turn}} if self._ticket else {}
        said = {room: position and position._asdict() for room, position in rooms.items()}
        await link.send(type="hello", protocol=1, client="chaos", rooms=said, **extra)

    # ------------------------------------------------------------ what it hears

    async def _hear(self, link: Link, frame: Frame, size: int) -> None:
        match frame["type"]:
            case "publication":
                await self._got(link, frame, size)
            case "ping":
                await self._answer(link, frame)
            case "welcome":
                self._welcomed(link, frame)
            case "joined":
                self._joined(link, frame["room"], frame, asked="id" in frame)
            case "left":
                self._left(link, frame["room"])
            case "error" if frame.get("room") in self.wanted - link.present:
                link.refused.add(frame["room"])
        self.heard(link, frame)

    def heard(self, link: Link, frame: Frame) -> None:
        """For those who also have something to say."""

    async def _got(self, link: Link, frame: Frame, size: int) -> None:
        room, offset = frame["room"], frame["offset"]
        self.diary.events.append(Got(now(), room, offset, mark(frame["data"])))
        position = self._positions.get(room)
        if position is not None and offset > position.offset:
            self._positions[room] = Position(position.epoch, offset)
        if link.counts(size) and not self._reticent:
            await link.send(type="received", count=link.received)

    async def _answer(self, link: Link, ping: Frame) -> None:
        self.diary.events.append(Counted(now(), ping["delivered"], link.received))
        await link.send(
            type="pong",
            sequence=ping["sequence"],
            timestamp=ping["timestamp"],
            client_time=round(time.time() * 1000),
            received=link.received,
            ping_count=ping["sequence"],
        )

    def _welcomed(self, link: Link, frame: Frame) -> None:
        self._ticket = {key: frame[key] for key in ("session", "token")}
        link.welcomed(frame)
        for room, entry in frame["rooms"].items():
            self._joined(link, room, entry, asked=True)
        self.link = link

    def _joined(self, link: Link, room: str, entry: Frame, *, asked: bool) -> None:
        top = Position(entry["epoch"], entry["offset"])
        recovered = entry.get("recovered")
        joined = Joined(now(), room, top, recovered, entry.get("reason"), asked)
        self.diary.events.append(joined)
        link.present.add(room)
        link.refused.discard(room)
        if not recovered:
            self._positions[room] = top

    def _left(self, link: Link, room: str) -> None:
        self.diary.events.append(Left(now(), room))
        link.present.discard(room)
        link.leaving.discard(room)

    # ------------------------------------------------------------ what it asks for

    async def ask_again(self, link: Link) -> None:
        """Once more for the rooms that it was refused."""
        for room in sorted(link.refused & self.wanted):
            link.refused.discard(room)
            await self.join(link, room)

    async def join(self, link: Link, room: str) -> None:
        """Ask to be let in, from where it has got to."""
        position = self._positions.get(room)
        self.diary.events.append(JoinRequest(now(), room, position))
        where = {"position": position._asdict()} if position else {}
        await link.send(type="join", id=link.number(), room=room, **where)
