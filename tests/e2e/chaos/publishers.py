"""Publishers: two processes that use the API, and two clients that use the WebSocket. All repeat
with the same key what they are not certain of."""

import asyncio
import json
import random
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.polling import TIMEOUT

from ..server_support import ROOT
from .clients import Frame, Link, now
from .plan import CHATS
from .record import Position, Publish, mark
from .subscribers import Subscriber

TRY_LATER = ("unavailable", "rate_limited")
AGAIN_AFTER = 0.2  # seconds
LOOK = 0.05
SIZES = (20, 60, 200, 4_000)  # characters; sixteen of the largest fill a window
BURST = 40
HANGING = 100.0  # seconds: at a load of 17 a new process has taken more than 30


class Workload:
    """The publications of one publisher, ``pace`` a second."""

    def __init__(
        self, name: str, chance: random.Random, publishes: list[Publish], *, pace: float
    ) -> None:
        self._name = name
        self._chance = chance
        self._publishes = publishes
        self._pace = pace
        self._number = 0

    def compose(self, room: str) -> tuple[Publish, Frame]:
        """Something new for a room."""
        self._number += 1
        id_ = f"{self._name}, {self._number}"
        text = (id_ + " ") * (1 + self._chance.choice(SIZES) // len(id_))
        data = {"id": id_, "to": room, "text": text}
        publish = Publish(room, mark(data), self._name, now())
        self._publishes.append(publish)
        return publish, data

    def choose(self, rooms: Sequence[str]) -> list[str]:
        """Where what comes next belongs: mostly one thing, sometimes a lot of it."""
        return [self._chance.choice(rooms)] * (BURST if self._chance.random() < 0.02 else 1)

    async def pause(self, calm: asyncio.Event) -> None:
        """Until it has something to say again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._chance.expovariate(self._pace)):
                await calm.wait()


class Process:
    """A publisher that is a process with the project's settings, for rooms and users."""

    def __init__(
        self, workload: Workload, *, env: Mapping[str, str], private: Sequence[str]
    ) -> None:
        self.calm = asyncio.Event()
        self.rooms = (*CHATS, *private)
        self._often = (*CHATS * 3, *private)
        self._workload = workload
        self._env = env
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def publish_on(self) -> None:
        """One after the other, until it is to be calm."""
        while not self.calm.is_set():
            for room in self._workload.choose(self._often):
                await self.say(room)
            await self._workload.pause(self.calm)

    async def say(self, room: str) -> None:
        """Something new; again until it is certain."""
        async with self._turn:
            await self._say(room)

    async def _say(self, room: str) -> None:
        publish, data = self._workload.compose(room)
        user = room.removeprefix("user:") if room.startswith("user:") else ""
        request = {"room": room, "user": user, "data": data, "key": data["id"]}
        while publish.acknowledged is None:
            publish.tries += 1
            answer = await self._ask(request)
            if "error" in answer:
                await asyncio.sleep(AGAIN_AFTER)
            else:
                publish.acknowledged = now()
                publish.position = Position(answer["epoch"], answer["offset"])

    async def _ask(self, request: Frame) -> Frame:
        """The process's answer, or that it has died meanwhile."""
        if self._process is None:
            await self.start()
        with suppress(ConnectionError):
            return await self._exchange(json.dumps(request).encode() + b"\n")
        await self.close()
        return {"error": "it has died"}

    async def start(self) -> None:
        """Returns when it is there; it may be killed before that."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.e2e.chaos.publishing"),
            cwd=ROOT,
            env=dict(self._env),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        with suppress(ConnectionError):
            await self._exchange(b"")

    async def _exchange(self, line: bytes) -> Frame:
        """Write, then read a line. Raises ConnectionError if no line comes."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        await process.stdin.drain()
        async with asyncio.timeout(HANGING):
            said = await process.stdout.readline()
        if not said:
            raise ConnectionError
        answer: Frame = json.loads(said)
        return answer

    def kill(self) -> None:
        """``kill -9``; its successor continues with its publications."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        process, self._process = self._process, None
        if process is not None:
            await process.communicate()


class Speaker(Subscriber):
    """A subscriber that has something to say, too, and so leaves no room."""

    def __init__(self, workload: Workload, **subscriber: Any) -> None:
        super().__init__(**{**subscriber, "rooms": set(CHATS)})
        self.rooms = CHATS
        self._workload = workload
        self._answers: dict[tuple[Link, int], asyncio.Future[Frame]] = {}

    async def publish_on(self) -> None:
        """Several at a time, as people type, until it is to be calm."""
        often = (*CHATS * 5, self._others[0])  # which is refused
        while not self.calm.is_set():
            await asyncio.gather(*map(self.say, self._workload.choose(often)))
            await self._workload.pause(self.calm)

    async def say(self, room: str) -> None:
        """Something new; again until it is acknowledged or finally refused."""
        publish, data = self._workload.compose(room)
        request = {"type": "message", "room": room, "data": data, "key": data["id"]}
        while publish.acknowledged is None and not publish.refused:
            publish.tries += 1
            answer = await self._ask(await self._welcomed_to(room), request)
            if answer is None or answer.get("code") in TRY_LATER:
                await asyncio.sleep(AGAIN_AFTER)
            elif answer["type"] == "ack":
                publish.acknowledged = answer["at"]
            else:
                publish.refused = True

    async def _welcomed_to(self, room: str) -> Link:
        """A connection on which it may say so."""
        while True:
            link = self.link
            if link is not None and (room in link.present or room not in CHATS):
                return link
            await asyncio.sleep(LOOK)

    async def _ask(self, link: Link, request: Frame) -> Frame | None:
        """The answer on this connection; None if it does not come."""
        number = link.number()
        answer = self._answers[link, number] = asyncio.get_running_loop().create_future()
        try:
            await link.send(id=number, **request)
            async with asyncio.timeout(TIMEOUT):
                while not answer.done() and self.link is link:
                    await asyncio.wait([answer], timeout=LOOK)
        except (ConnectionClosed, TimeoutError):
            return None
        finally:
            del self._answers[link, number]
        return answer.result() if answer.done() else None

    def heard(self, link: Link, frame: Frame) -> None:
        """Also the answers to what it said."""
        super().heard(link, frame)
        waiting = self._answers.get((link, frame.get("id", 0)))
        if frame["type"] in ("ack", "error") and waiting is not None and not waiting.done():
            waiting.set_result({**frame, "at": now()})

    async def _wander(self, link: Link) -> None:
        """It stays where it speaks."""
