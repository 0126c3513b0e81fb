"""A slow reader of a long stream."""

import json
from typing import Any

from .server_support import TEXT, Peer
from .support import Frame, pong

PARTS, SIZE = 10_000, 1_000  # of a stream, and characters of a part
AT_A_TIME = 16  # parts


class StreamReader:
    """Asks for a stream on a connection with a small buffer, and reads when it is called."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.numbers: list[int] = []
        self.done = False
        self.send(type="hello", protocol=1)
        while self._next()["type"] != "welcome":
            pass
        self.send(type="request", id=1, name="count", data={"to": PARTS, "size": SIZE})

    def send(self, **frame: Any) -> None:
        self._peer.text(json.dumps(frame))

    def read(self, parts: int) -> None:
        """Read so many parts, and say so."""
        for _ in range(parts):
            frame = self._next()
            while frame["type"] != "reply":
                frame = self._next()
            if frame["done"]:
                self.done = True
                return
            self.numbers.append(frame["data"][0])
        self.send(type="reply_received", id=1, count=len(self.numbers))

    def _next(self) -> Frame:
        opcode, payload = self._peer.next_frame()
        frame: Frame = json.loads(payload) if opcode == TEXT else {"type": "control"}
        if frame["type"] == "ping":
            self.send(**pong(frame))
        return frame
