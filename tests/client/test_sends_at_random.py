"""Sends under refusals, losses and repeats: every message is published once, in its room's order,
or its sender knows better."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from realtime.client import Position, RealtimeClient, SendFailed

from .scripted_server import AT_ONCE, WELCOME, Frame, Peer, ScriptedServer

ROOMS = ("chat:a", "chat:b", "chat:c")
MESSAGES = 40  # of each room


class FickleStore:
    """Publishes each key once, and refuses, drops answers and breaks lines at random."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.logs: dict[str, list[Any]] = {room: [] for room in ROOMS}
        self.offsets: dict[str, int] = {}  # by key
        wrong = [(room, self.random.randrange(MESSAGES)) for room in ROOMS for _ in range(3)]
        self.refused = set(wrong)
        self.frames = 0

    async def serve(self, server: ScriptedServer) -> None:
        """Serve one connection after the other."""
        while True:
            peer = await server.accept()
            with suppress(ConnectionClosed):
                await self._serve_one(peer)

    async def _serve_one(self, peer: Peer) -> None:
        hello = await peer.receive("hello")
        rooms = {
            name: {"epoch": "k3", "offset": len(self.logs[name])}
            | ({} if place is None else {"recovered": False, "reason": "expired"})
            for name, place in hello["rooms"].items()
        }
        await peer.send("welcome", **{**WELCOME, "rooms": rooms})
        while True:
            frame = await peer.next()
            if frame["type"] == "join":
                answer = {"room": frame["room"], "epoch": "k3", "offset": 0}
                await peer.send("joined", id=frame["id"], **answer)
            elif frame["type"] == "messages":
                await self._publish(peer, frame)

    async def _publish(self, peer: Peer, frame: Frame) -> None:
        self.frames += 1
        fate = self.random.random()
        if fate < 0.1:
            return await peer.lose()  # before it had an effect
        if fate < 0.2:
            code = self.random.choice(["unavailable", "rate_limited"])
            return await peer.send("error", id=frame["id"], code=code, detail="")
        items = self._results(frame["room"], frame["items"])
        if fate < 0.3:
            return await peer.lose()  # after it
        await peer.send("acks", id=frame["id"], items=items)

    def _results(self, room: str, items: list[Frame]) -> list[Frame]:
        results: list[Frame] = []
        for item in items:
            last = results[-1].get("code") if results else None
            if last in ("unavailable", "rate_limited"):
                results.append({"code": last, "detail": ""})
            else:
                results.append(self._result(room, item))
        return results

    def _result(self, room: str, item: Frame) -> Frame:
        if (room, item["data"]) in self.refused:
            return {"code": "forbidden", "detail": ""}
        if item["key"] not in self.offsets:
            if self.random.random() < 0.05:
                return {"code": "unavailable", "detail": ""}
            self.logs[room].append(item["data"])
            self.offsets[item["key"]] = len(self.logs[room])
        return {"epoch": "k3", "offset": self.offsets[item["key"]]}


@pytest.mark.parametrize("seed", range(10))
async def test_each_message_is_published_once_in_order(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("realtime.client.line.RETRY", AT_ONCE)
    store = FickleStore(seed)
    serving = asyncio.create_task(store.serve(server))
    async with RealtimeClient(server.url, backoff=AT_ONCE) as client:
        handles = [client.room(name) for name in ROOMS]
        sends: dict[tuple[str, int], asyncio.Task[Position | None]] = {}
        for number in range(MESSAGES):
            for handle in handles:
                sends[handle.name, number] = asyncio.create_task(handle.send(number))
            if store.random.random() < 0.5:
                await asyncio.sleep(0.001)
        await asyncio.wait(sends.values())
    serving.cancel()
    await asyncio.wait([serving])
    for room, log in store.logs.items():
        published = [n for n in range(MESSAGES) if (room, n) not in store.refused]
        assert log == published
        for offset, number in enumerate(published, 1):
            assert sends[room, number].result() == Position("k3", offset)
    for key in store.refused:
        assert isinstance(sends[key].exception(), SendFailed)
    assert store.frames < len(sends)  # they travelled together
