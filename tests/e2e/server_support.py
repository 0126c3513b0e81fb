"""Real server processes and raw peers for the end-to-end tests.

Nothing here waits for time to pass; everything waits for a condition, with a
deadline that fails the test.
"""

import base64
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self

from tests.polling import TIMEOUT, eventually

from .fork_server import Forked, ForkServer

ROOT = Path(__file__).resolve().parents[2]

# Nothing of this test run's own Django may reach the processes.
FOREIGN = ("DJANGO_", "REALTIME_", "DATABASE_URL", "REDIS_URL", "LOG_LEVEL")
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
PYTHON = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

Process = subprocess.Popen[bytes] | Forked
Start = Callable[[list[str], dict[str, str], int, int], Process]

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def execute(
    arguments: list[str], env: dict[str, str], out: int, err: int, stdin: int | None = None
) -> Process:
    """``manage.py …`` or a module, in a new interpreter, with these descriptors."""
    return subprocess.Popen(
        command(*arguments), cwd=ROOT, env=env, stdin=stdin, stdout=out, stderr=err
    )


def fork(
    arguments: list[str], env: dict[str, str], out: int, err: int, stdin: int | None = None
) -> Process:
    """The same in a fork of one that has imported much of it, if it may be."""
    server = fork_server()
    if not server.suits(env):
        return execute(arguments, env, out, err, stdin)
    return server.fork(arguments, env, out, err, *([] if stdin is None else [stdin]))


@cache
def fork_server() -> ForkServer:
    """The one of this process."""
    return ForkServer({**CLEAN, **PYTHON}, cwd=ROOT)


def command(*arguments: str) -> list[str]:
    """``manage.py …`` or a module of the environment's Python."""
    head = () if arguments[0] == "manage.py" else ("-m",)
    return [sys.executable, *head, *arguments]


def masked(payload: bytes, mask: bytes) -> bytes:
    """The payload as a client sends it: as one number, since a byte at a time takes long."""
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(size)


class ServerProcess:
    """A child running ``tests.e2e.apps``; a context manager that leaves nothing behind."""

    def __init__(self, **options: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.log: list[str] = []
        (said, out), (logged, err) = os.pipe(), os.pipe()
        with open(out), open(err):
            arguments = ["tests.e2e.apps", json.dumps(options)]
            self.process = fork(arguments, {**CLEAN, **PYTHON}, out, err)
        self._readers = [
            threading.Thread(target=read, args=[source], daemon=True)
            for read, source in ((self._read_events, said), (self._read_log, logged))
        ]
        for reader in self._readers:
            reader.start()

    def _read_events(self, source: int) -> None:
        with open(source) as lines:
            self.events.extend(json.loads(line) for line in lines)

    def _read_log(self, source: int) -> None:
        with open(source) as lines:
            self.log.extend(lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        assert not self.lines_with("IllegalPhaseEvent"), self.log[-40:]

    @property
    def port(self) -> int:
        port: int = self.event("listening")["port"]
        return port

    def event(self, kind: str, *, within: float = TIMEOUT, **details: Any) -> dict[str, Any]:
        """The first event of this kind with these details, awaited."""

        def found() -> dict[str, Any] | None:
            wanted = {"event": kind, **details}
            return next((e for e in tuple(self.events) if wanted.items() <= e.items()), None)

        return eventually(
            found, within=within, what=(kind, details, self.events[-5:], self.log[-20:])
        )

    def count(self, kind: str) -> int:
        return sum(event["event"] == kind for event in tuple(self.events))

    def logged(self, text: str, *, within: float = TIMEOUT) -> int:
        """How many lines of the log hold this text; waits for the first."""
        return eventually(lambda: self.lines_with(text), within=within, what=(text, self.log[-20:]))

    def lines_with(self, text: str) -> int:
        return sum(text in line for line in tuple(self.log))

    def signal(self, number: signal.Signals) -> float:
        """Send a signal to this child. Returns the time of it."""
        self.process.send_signal(number)
        return time.monotonic()

    def exit_code(self, *, within: float = TIMEOUT) -> int:
        return self.process.wait(within)


class Peer:
    """A TCP client that sends exactly the given bytes, also wrong ones."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:  # before connecting: it sets the window
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT)
        self.received = b""
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def port(self) -> int:
        """Its own, by which a server knows it."""
        return int(self.socket.getsockname()[1])

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, path: str, *headers: str) -> None:
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        self.send("\r\n".join(lines).encode())

    def ask_upgrade(self, path: str = "/echo", *headers: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        self.request(path, *upgrade, f"Sec-WebSocket-Key: {key}", *headers)

    def upgrade(self, path: str = "/echo", *headers: str) -> Self:
        self.ask_upgrade(path, *headers)
        assert self.status() == 101
        return self

    def status(self) -> int:
        """The status of an HTTP answer; its head is consumed."""
        while b"\r\n\r\n" not in self.received:
            self._more()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        return int(head.split()[1])

    def answer(self) -> bytes:
        """A whole answer of unknown length, consumed."""
        while not self.received.endswith(b"\r\n0\r\n\r\n"):
            self._more()
        answer, self.received = self.received, b""
        return answer

    def text(self, message: str) -> None:
        self.frame(TEXT, message.encode())

    def frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        mask = os.urandom(4)
        head = bytes([opcode | (0x80 if fin else 0)]) + length(len(payload))
        self.send(head + mask + masked(payload, mask))

    def next_frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame. Raises ConnectionError at the end."""
        self._at_least(2)
        opcode, size, start = self.received[0] & 0x0F, self.received[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            self._at_least(start)
            size = int.from_bytes(self.received[2:start], "big")
        self._at_least(start + size)
        payload = self.received[start : start + size]
        self.received = self.received[start + size :]
        return opcode, payload

    def closed_with(self) -> tuple[int, str]:
        """Code and reason of the close frame, which is answered; other frames are skipped."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == CLOSE:
                self.frame(CLOSE, payload[:2])
                return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def ended(self) -> bytes:
        """Everything up to the orderly end of the stream. A reset raises ConnectionResetError."""
        while data := self.socket.recv(65536):
            self.received += data
        return self.received

    def left_behind(self) -> bytes:
        """The unread bytes that had arrived when the connection was reset."""
        try:
            return self.ended()
        except ConnectionResetError:
            return self.received

    def gone(self) -> bool:
        """Whether the connection is broken, found out without reading from it."""
        poll = select.poll()
        poll.register(self.socket, 0)
        return bool(poll.poll(0))

    def _at_least(self, size: int) -> None:
        while len(self.received) < size:
            self._more()

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"ended after {self.received[:200]!r}")
        self.received += data


def length(size: int) -> bytes:
    """The length field of a masked frame, as short as it can be."""
    if size < 126:
        return bytes([0x80 | size])
    if size < 65536:
        return bytes([0x80 | 126]) + struct.pack("!H", size)
    return bytes([0x80 | 127]) + struct.pack("!Q", size)
