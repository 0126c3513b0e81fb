"""Programs: subscribers that use ``realtime.client``, on a line that breaks, from one reload to the
next."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from realtime.client import (
    Backoff,
    Behind,
    Disconnected,
    RealtimeClient,
    RequestFailed,
    Resync,
    RoomHandle,
    RoomLost,
    SendFailed,
)
from realtime.client import Position as Place
from tests.faults import Proxy

from .clients import now
from .plan import CHATS
from .publishers import Workload
from .record import (
    Diary,
    Ended,
    Gap,
    HandleDiary,
    Position,
    Publish,
    Question,
    Received,
    Record,
    mark,
)

SOON = Backoff(base=0.05, cap=0.5)
OPENING = 5.0  # seconds for each half of an attempt
STILL = 0.3  # seconds between two looks while nothing is to be done
ENDING = 10.0  # seconds in which everything ends with its client
HANDLES = 8
REWINDS = (1, 20, 1000)
BURSTS = (1, 4, 40)  # messages
MAX_WAITING = 50  # messages at which it sends no more
STREAMS = (1, 20, 200)  # parts

Plant = Callable[[RealtimeClient], None]


class Program:
    """A program with a login and moods, until the run asks for calm.

    ``doors`` are the workers' addresses by name, ``others`` private rooms of other users.
    ``plant(client)`` plants a fault.
    """

    def __init__(
        self,
        diary: Diary,
        *,
        record: Record,
        workload: Workload,
        chance: random.Random,
        doors: Mapping[str, str],
        cookie: str,
        rooms: set[str],
        others: tuple[str, ...],
        plant: Plant | None = None,
    ) -> None:
        self.diary = diary
        self.calm = asyncio.Event()
        self.wanted = {*rooms, diary.private}
        self._record = record
        self._workload = workload
        self._chance = chance
        self._ports = {name: urlsplit(door).port or 0 for name, door in doors.items()}
        self._headers = {"Cookie": cookie}
        self._others = others
        self._plant = plant
        self._line = Proxy(0)
        self._client: RealtimeClient | None = None  # within its block
        self._lives = 0
        self._handles: dict[RoomHandle, HandleDiary] = {}
        self._tasks: list[asyncio.Task[None]] = []  # of the present client; they end with it
        self._sending: set[asyncio.Task[None]] = set()
        self._seen: set[tuple[str, Position | None]] = set()

    @property
    def seen(self) -> int:
        """Publications so far, each counted once, however many handles have it."""
        return len(self._seen)

    @property
    def connections(self) -> int:
        """How many it has begun."""
        return self._line.accepted

    @property
    def session(self) -> str:
        """The session that it is connected to; empty while it is not."""
        client = self._client
        return client.session if client and client.connected else ""

    def is_at(self, ends: Mapping[str, Position]) -> bool:
        """Whether it has handles in all its rooms, all of them at their ends, and no message of its
        own is under way."""
        there = {handle.name for handle in self._handles}
        at_ends = all(position_of(each) == ends.get(each.name) for each in self._handles)
        return bool(self.session) and self.wanted <= there and at_ends and not self._sending

    # ------------------------------------------------------------ lives

    async def run(self) -> None:
        """One client after the other, until this task is cancelled."""
        wandering = asyncio.create_task(self._wander())
        try:
            with self._line:
                while True:
                    await self._live()
        finally:
            wandering.cancel()
            self._close_diaries()

    async def _wander(self) -> None:
        """Lead the next connections to any of the workers: one may be away for long."""
        chance = random.Random(self._chance.random())
        while True:
            self._line.target = self._ports[chance.choice(sorted(self._ports))]
            await asyncio.sleep(chance.uniform(0.1, 1.0))

    async def _live(self) -> None:
        """Have a client, from its start to a reload."""
        url = f"ws://127.0.0.1:{self._line.port}/ws/"
        client = RealtimeClient(url, headers=self._headers, backoff=SOON, timeout=OPENING)
        if self._plant:
            self._plant(client)
        self._lives += 1
        try:
            async with client:
                self._client = client
                self._open_again(client)
                await self._be_used(client)
        except Disconnected as end:
            self.diary.events.append(Ended(now(), end.code))
            await asyncio.sleep(STILL)
        finally:
            self._client = None
        await self._expect_ends()

    async def _be_used(self, client: RealtimeClient) -> None:
        """Return when the program reloads. Raises Disconnected if the server sends it away."""
        moods = asyncio.create_task(self._have_moods(client))
        end = asyncio.create_task(client.wait_closed())
        try:
            await asyncio.wait((moods, end), return_when=asyncio.FIRST_COMPLETED)
            await (end if end.done() else moods)
        finally:
            for task in (moods, end):
                task.cancel()
            await asyncio.wait((moods, end))

    async def _expect_ends(self) -> None:
        """All readers, messages and requests of the client have ended with it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ENDING)
        self._raise_defects()
        left = [task for task in self._tasks if not task.done()]
        assert not left, f"{self.diary.name} has left: {left}"
        self._tasks = []

    def _raise_defects(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    def _close_diaries(self) -> None:
        for task in self._tasks:
            task.cancel()
        for handle, diary in self._handles.items():
            diary.wanted = handle.name in self.wanted
        for room in self.wanted - {handle.name for handle in self._handles}:
            self._record.handles.append(self._diary_of(room, wanted=True))

    # ------------------------------------------------------------ handles

    def _open_again(self, client: RealtimeClient) -> None:
        """Go on where the client before was, in each of its handles."""
        handles, self._handles = self._handles, {}
        for handle in handles:
            self._open(client, handle.name, since=handle.position)
        self._open_wanted(client)

    def _open_wanted(self, client: RealtimeClient) -> None:
        for room in sorted(self.wanted - {handle.name for handle in self._handles}):
            self._open_somewhere(client, room)

    def _open_somewhere(self, client: RealtimeClient, room: str) -> None:
        """Begin now, with a rewind, where another handle is or was, or where none can be."""
        throw = self._chance.random()
        if throw < 0.3:
            self._open(client, room, rewind=self._chance.choice(REWINDS))
        elif throw < 0.6 and (places := self._places_in(room)):
            self._open(client, room, since=self._chance.choice(places))
        else:
            self._open(client, room, since="" if throw > 0.95 else None)

    def _places_in(self, room: str) -> list[Place]:
        found = [handle.position for handle in self._handles if handle.name == room]
        places = [place for place in found if place]
        earlier = [Place(each.epoch, max(0, each.offset - 50)) for each in places]
        return [*places, *earlier]

    def _open(
        self,
        client: RealtimeClient,
        room: str,
        *,
        since: Place | str | None = None,
        rewind: int = 0,
    ) -> None:
        if isinstance(since, Place) and self._chance.random() < 0.5:
            since = str(since)
        handle = client.room(room, since, rewind)
        diary = self._diary_of(room, since=position_of(handle), rewind=rewind, unknown=since == "")
        self._record.handles.append(diary)
        self._handles[handle] = diary
        self._tasks.append(asyncio.create_task(self._read(handle, diary)))

    def _diary_of(self, room: str, **options: Any) -> HandleDiary:
        return HandleDiary(self.diary.name, room, self.diary.private, **options)

    async def _read(self, handle: RoomHandle, diary: HandleDiary) -> None:
        try:
            await handle.joined()
            diary.joined, diary.start = now(), position_of(handle)
            while not await self._read_on(handle, diary):
                pass
        except (RoomLost, Behind):
            self._handles.pop(handle, None)
        except Disconnected:
            return

    async def _read_on(self, handle: RoomHandle, diary: HandleDiary) -> bool:
        """Read to the next gap; return whether it was the end instead."""
        try:
            async for message in handle:
                position = Position(message.position.epoch, message.offset)
                self._seen.add((handle.name, position))
                name = mark(message.data)
                diary.events.append(Received(now(), position, name, message.replayed))
        except Resync as gap:
            position = Position(gap.position.epoch, gap.position.offset)
            diary.events.append(Gap(now(), position, gap.reason, gap.initial))
            return False
        return True

    # ------------------------------------------------------------ moods

    async def _have_moods(self, client: RealtimeClient) -> None:
        """Do this and that until it reloads."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(0.3, 2.5)):
                    await self.calm.wait()
            if self.calm.is_set():
                self._line.heal()
                self._open_wanted(client)
                self._raise_defects()
                await asyncio.sleep(STILL)
            elif self._chance.random() < 0.08:
                return
            else:
                await self._mood(client)
                self._open_wanted(client)

    async def _mood(self, client: RealtimeClient) -> None:
        throw = self._chance.random()
        if throw < 0.12:
            self._line.reset()
        elif throw < 0.20:
            self._line.cut_replies(times=self._chance.randint(1, 2))
            self._send_burst()
        elif throw < 0.28:
            await self._stall()
        elif throw < 0.45:
            self._open_another(client)
        elif throw < 0.58:
            self._close_one(client)
        elif throw < 0.62:
            self._intrude(client)
        elif throw < 0.75:
            self._send_burst()
        elif throw < 0.90:
            self._ask(client)

    async def _stall(self) -> None:
        """Hold the line, one way or both, for less or for more than the client is patient."""
        self._line.stall(requests=self._chance.random() < 0.7)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._chance.choice((0.5, 1.0, 4.0))):
                await self.calm.wait()
        self._line.heal()

    def _open_another(self, client: RealtimeClient) -> None:
        if len(self._handles) < HANDLES:
            self._open_somewhere(client, self._chance.choice(sorted(self.wanted)))

    def _close_one(self, client: RealtimeClient) -> None:
        """Close a handle, and open it again where it was, at once or never."""
        if not self._handles:
            return
        handle = self._chance.choice(list(self._handles))
        del self._handles[handle]
        place = handle.position
        handle.close()
        if self._chance.random() < 0.5:
            self._open(client, handle.name, since=place)

    def _intrude(self, client: RealtimeClient) -> None:
        """Try another user's room; if it is let in, the diary has it."""
        self._open(client, self._chance.choice(self._others))
        self._send(list(self._handles)[-1])

    # ------------------------------------------------------------ messages

    def _send_burst(self) -> None:
        handles = [each for each in self._handles if each.name in CHATS]
        if handles and len(self._sending) < MAX_WAITING:
            for _ in range(self._chance.choice(BURSTS)):
                self._send(handles[0])

    def _send(self, handle: RoomHandle) -> None:
        publish, data = self._workload.compose(handle.name)
        publish.queue, publish.tries = f"{self.diary.name} {self._lives}", 1
        task = asyncio.create_task(self._await_answer(handle, publish, data))
        self._tasks.append(task)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _await_answer(self, handle: RoomHandle, publish: Publish, data: Any) -> None:
        try:
            place = await handle.send(data)
        except SendFailed as failed:  # one under way may have been published all the same
            publish.refused = failed.code in ("not_joined", "queue_full") or (
                failed.code == "forbidden" and handle.name not in CHATS
            )
        else:
            assert place is not None, f"{publish.mark} has no position"
            publish.acknowledged = now()
            publish.position = Position(place.epoch, place.offset)

    # ------------------------------------------------------------ requests

    def _ask(self, client: RealtimeClient) -> None:
        """Ask for an answer or a stream, sometimes only to leave it."""
        parts = self._chance.choice(STREAMS)
        question = Question(self.diary.name, now(), tuple(range(parts)))
        self._record.questions.append(question)
        leaves = self._chance.random() < 0.2
        self._tasks.append(asyncio.create_task(self._await_parts(client, question, leaves=leaves)))

    async def _await_parts(
        self, client: RealtimeClient, question: Question, *, leaves: bool
    ) -> None:
        count = len(question.expected)
        try:
            if count == 1:
                question.parts.append(await client.request("echo", 0))
            else:
                async for part in client.request("count", count):
                    question.parts.append(part)
                    if leaves and part == count // 2:
                        break
        except RequestFailed as failed:
            question.end = failed.code
        except Disconnected:
            question.end = "disconnected"
        else:
            question.end = "left" if leaves and count > 1 else "done"


def position_of(handle: RoomHandle) -> Position | None:
    """The handle's position as the record has it."""
    place = handle.position
    return Position(place.epoch, place.offset) if place else None
