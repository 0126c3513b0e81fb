"""Subscribers: people who drop, stall, wander and come back."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from .clients import Client, Frame, Link
from .plan import CHATS
from .record import Diary

OPENING = 5.0  # seconds for a handshake
STILL = 0.3  # seconds between two looks while nothing is to be done


class Parting(Enum):
    """How a client ends a connection: by a reset, in order, or by going on with another one
    while it is still there."""

    DROP = "drop"
    CLOSE = "close"
    ABANDON = "abandon"


class Subscriber(Client):
    """A client with a login and moods, until the run asks for calm.

    ``doors`` are the workers' addresses by name, ``others`` private rooms of other users.
    """

    def __init__(
        self,
        diary: Diary,
        *,
        chance: random.Random,
        doors: Mapping[str, str],
        cookie: str,
        rooms: set[str],
        others: tuple[str, ...],
    ) -> None:
        super().__init__(diary, rooms=rooms, reticent=chance.random() < 0.25)
        self.calm = asyncio.Event()
        self._chance = chance
        self._doors = doors
        self._headers = {"Cookie": cookie}
        self._others = others
        self._old: ClientConnection | None = None

    # ------------------------------------------------------------ connections

    async def run(self) -> None:
        """Connect, live, part; again and again, until this task is cancelled."""
        try:
            while True:
                await self._visit()
                await asyncio.sleep(self._chance.uniform(0.02, 0.5))
        finally:
            self._drop_old()
            self.diary.wanted = frozenset(self.wanted)

    async def _visit(self) -> None:
        door = self._chance.choice(sorted(self._doors))
        try:
            socket = await connect(
                self._doors[door],
                additional_headers=self._headers,
                compression=None,
                ping_interval=None,
                open_timeout=OPENING,
                close_timeout=1,
                max_queue=4,
                proxy=None,
            )
        except (OSError, InvalidHandshake, TimeoutError, EOFError):
            return
        parting = None
        try:
            parting = await self._live(Link(socket), door)
        finally:
            self.link = None
            await self._part(socket, parting)

    async def _part(self, socket: ClientConnection, parting: Parting | None) -> None:
        if parting is Parting.ABANDON:
            self._drop_old()
            self._old = socket
            return
        if parting is Parting.CLOSE:
            with suppress(ConnectionClosed):
                await socket.close()
        socket.transport.abort()

    def heard(self, link: Link, frame: Frame) -> None:
        """After a welcome the connection before is of no use."""
        if frame["type"] == "welcome":
            self._drop_old()

    def _drop_old(self) -> None:
        if self._old is not None:
            self._old.transport.abort()
            self._old = None

    async def _live(self, link: Link, door: str) -> Parting | None:
        """Be connected, until one side has had enough."""
        reader = asyncio.create_task(self.converse(link, door))
        moods = asyncio.create_task(self._have_moods(link))
        try:
            await asyncio.wait({reader, moods}, return_when=asyncio.FIRST_COMPLETED)
            if not moods.done() or reader.done():
                await reader
                return None
            return moods.result()
        finally:
            for task in (reader, moods):
                task.cancel()
            await asyncio.wait((reader, moods))

    # ------------------------------------------------------------ moods

    async def _have_moods(self, link: Link) -> Parting | None:
        """Do this and that until it wants another connection."""
        with suppress(ConnectionClosed):
            return await self._do_this_and_that(link)
        link.reading.set()
        await link.socket.wait_closed()  # the reader will have noticed, too
        return None

    async def _do_this_and_that(self, link: Link) -> Parting:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(0.3, 2.5)):
                    await self.calm.wait()
            await self.ask_again(link)
            if self.calm.is_set():
                await asyncio.sleep(STILL)
            elif (parting := await self._mood(link)) is not None:
                return parting

    async def _mood(self, link: Link) -> Parting | None:
        throw = self._chance.random()
        if throw < 0.30:
            return self._parting()
        if throw < 0.42:
            await self._stall(link)
        elif throw < 0.62:
            await self._wander(link)
        elif throw < 0.66:
            await self._intrude(link)
        return None

    def _parting(self) -> Parting:
        throw = self._chance.random()
        if throw < 0.10:
            self._ticket = None  # lost, as by a tab that was closed
        elif throw < 0.15:
            self._positions.clear()
        elif throw < 0.20:
            self._lie = self._chance.choice(sorted(self.wanted))
        return self._chance.choice(tuple(Parting))

    async def _stall(self, link: Link) -> None:
        """Stop reading, for less or for more than the server is patient."""
        link.reading.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._chance.choice((0.5, 1.0, 2.0, 6.0))):
                await self.calm.wait()
        link.reading.set()

    async def _wander(self, link: Link) -> None:
        room = self._chance.choice(CHATS)
        if room in self._rooms:
            if len(self._rooms) > 1 and room in link.present:
                self._rooms.discard(room)
                link.leaving.add(room)
                await link.send(type="leave", id=link.number(), room=room)
        elif room not in link.leaving and room not in link.present:
            if self._chance.random() < 0.3:
                self._positions.pop(room, None)
            self._rooms.add(room)
            await self.join(link, room)

    async def _intrude(self, link: Link) -> None:
        """Try another user's room; if it is let in, the diary has it."""
        room = self._chance.choice(self._others)
        await link.send(type="join", id=link.number(), room=room)
