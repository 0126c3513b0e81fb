"""The load generator's side of each protocol: one class of clients each.

Each answers every ping as soon as it has come, and looks at a delivery no further than
its first bytes: the generator has to be cheaper than what it measures.
"""

import asyncio
import itertools
import random
import time
from typing import Any, Protocol

import msgspec

from benchmarks.wire import Wire

Frame = dict[str, Any]

TEXT = "hello world hello world"
ROOM = "room"


class Ledger(Protocol):
    """Counts the events of the clients. Moments are epoch seconds."""

    interval: float

    def beaten(self, late: float) -> None:
        """A ping was answered that came so many seconds after its time."""

    def delivered(self, at: float) -> None:
        """A publication reached a client at this moment."""

    def lost(self) -> None:
        """The server has ended a connection."""


class Client:
    """One connection. ``ready`` is done once the server has let it in."""

    path: str
    subprotocol: str | None = None
    delivery: bytes  # how a frame begins that is a publication

    def __init__(self, ledger: Ledger, wire: Wire) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ledger = ledger
        self._wire = wire
        self._closed = False
        self._last_beat = 0.0
        self.greet()
        wire.listen(self._heard, self._lost)

    def _heard(self, payload: bytes, at: float) -> None:
        if payload.startswith(self.delivery):
            self._ledger.delivered(at)
        else:
            self.read(payload, at)

    def _lost(self) -> None:
        self._closed = True
        self._ledger.lost()
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was welcomed"))

    def greet(self) -> None:
        """Say what the protocol wants said first."""

    def read(self, payload: bytes, at: float) -> None:
        """Serve a frame that is no publication."""
        raise NotImplementedError

    def publish(self, number: int, text: str) -> None:
        """Ask the server to send something to every client."""
        raise NotImplementedError

    def welcomed(self) -> None:
        """The server has let it in."""
        if not self.ready.done():
            self.ready.set_result(None)

    def answer(self, pong: bytes, at: float) -> None:
        """Answer a ping that came at this moment."""
        if self._closed:
            return
        self._wire.send(pong)
        last, self._last_beat = self._last_beat, at
        self._ledger.beaten(at - last - self._ledger.interval if last else 0.0)

    def stall(self) -> None:
        """Read nothing for now."""
        self._wire.pause()

    def go_on(self) -> None:
        """Read again."""
        self._wire.resume()

    def leave(self) -> None:
        """Close from this side."""
        if not self._closed:
            self._closed = True
            self._wire.close()


class RealtimeClient(Client):
    """Speaks realtime.v1: hello for one room and welcome, then a pong for every ping, and a word
    whenever a quarter of the window has come."""

    path = "/ws/"
    subprotocol = "realtime.v1"
    delivery = b'{"type":"publication"'
    quarter, quarter_bytes = 64, 16_384
    keys = itertools.count()  # of this process's messages
    pings = received = answered = unanswered_bytes = 0

    def greet(self) -> None:
        hello = {"type": "hello", "protocol": 1, "client": "benchmark", "rooms": {ROOM: None}}
        self._wire.send(msgspec.json.encode(hello))

    def _heard(self, payload: bytes, at: float) -> None:
        if payload.startswith(self.delivery):
            self.received += 1
            self.unanswered_bytes += len(payload)
            if (
                self.received - self.answered >= self.quarter
                or self.unanswered_bytes >= self.quarter_bytes
            ):
                self._wire.send(b'{"type":"received","count":%d}' % self._received())
        super()._heard(payload, at)

    def _received(self) -> int:
        self.answered, self.unanswered_bytes = self.received, 0
        return self.received

    def read(self, payload: bytes, at: float) -> None:
        message = msgspec.json.decode(payload)
        if message["type"] == "ping":
            self.answer(msgspec.json.encode(self._pong(message)), at)
        elif message["type"] == "welcome":
            self.welcomed()

    def publish(self, number: int, text: str) -> None:
        key = next(self.keys)
        data = {"n": number, "text": text}
        said = {"type": "message", "id": key, "room": ROOM, "data": data, "key": str(key)}
        self._wire.send(msgspec.json.encode(said))

    def _pong(self, ping: Frame) -> Frame:
        self.pings += 1
        return {
            "type": "pong",
            "sequence": ping["sequence"],
            "timestamp": ping["timestamp"],
            "client_time": time.time_ns() // 1_000_000,
            "received": self._received(),
            "ping_count": self.pings,
        }


class UsualClient(Client):
    """Speaks what the usual consumer speaks: it is in at once, and a pong is a pong."""

    path = "/ws/"
    delivery = b'{"type": "message"'

    def greet(self) -> None:
        self.welcomed()

    def read(self, payload: bytes, at: float) -> None:
        message = msgspec.json.decode(payload)
        if message["type"] == "ping":
            pong = {"type": "pong", "timestamp": message["timestamp"]}
            self.answer(msgspec.json.encode(pong), at)

    def publish(self, number: int, text: str) -> None:
        frame = {"type": "publish", "data": {"n": number, "text": text}}
        self._wire.send(msgspec.json.encode(frame))


class SocketIOClient(Client):
    """Speaks Socket.IO 5 on Engine.IO 4, by WebSocket from the start.

    The server's next ping follows the last pong, and the first pings come as the connects
    came: all in one burst, which is cheaper than any server has it in earnest. So each client
    takes a random part of the interval over its first pong.
    """

    path = "/socket.io/?EIO=4&transport=websocket"
    delivery = b'42["message"'
    has_rhythm = False

    def read(self, payload: bytes, at: float) -> None:
        if payload == b"2":
            self._beat(at)
        elif payload.startswith(b"40"):
            self.welcomed()
        elif payload.startswith(b"0"):
            self._wire.send(b"40")

    def publish(self, number: int, text: str) -> None:
        arguments = ["publish", {"n": number, "text": text}]
        self._wire.send(b"42" + msgspec.json.encode(arguments))

    def _beat(self, at: float) -> None:
        if self.has_rhythm:
            self.answer(b"3", at)
            return
        self.has_rhythm = True
        delay = random.uniform(0, self._ledger.interval)
        asyncio.get_running_loop().call_later(delay, self.answer, b"3", at + delay)


DIALECTS: dict[str, type[Client]] = {
    "realtime": RealtimeClient,
    "usual": UsualClient,
    "socketio": SocketIOClient,
}
