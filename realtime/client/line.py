"""The requests of one connection: joins, leaves and messages, in their order.

The server serves the requests of a session one after the other, and refuses those beyond the 32
that it lets wait. So at most WINDOW are on their way, below the server's rate of frames.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from realtime.protocol.bucket import TokenBucket

from .backoff import Backoff
from .clock import elapsed
from .socket import ClientSocket

Frame = dict[str, Any]

WINDOW = 16
MAX_ID = 999_999  # the next one is 1 again; requests with answers have higher ids
BURST = 20  # frames
SHARE = 0.8  # of the server's rate: its clock and ours do not agree, and pongs are frames as well
RATE = 100  # frames a second, if the welcome names none
FRAME_SIZE = 270_336  # bytes, likewise

# The answers after which a request is sent again.
RETRYABLE = frozenset({"unavailable", "rate_limited"})
RETRY = Backoff(cap=10.0)

AGAIN = {"type": "error", "code": "unavailable"}  # for a request that has to be sent again


class LineRequest(ABC):
    """A request, made when its turn comes."""

    failures = 0  # refusals in a row after which it is sent again

    @abstractmethod
    def frame(self) -> Frame | None:
        """Return the frame without its ``id``; None if it is no longer needed."""

    @abstractmethod
    def settle(self, answer: Frame) -> bool:
        """Take the answer, which may be an ``error``; return False to be sent again later."""


class RequestLine:
    """Sends requests in the order in which they were submitted, and hands each its answer. It
    forgets those without an answer at the end of the connection: the owners submit them again."""

    def __init__(self) -> None:
        self._socket: ClientSocket | None = None
        self._queue: deque[LineRequest] = deque()
        self._on_the_way: dict[int, LineRequest] = {}
        self._turns: deque[asyncio.Future[None]] = deque()
        self._turn_was_last = False
        self._id = 0  # of the newest request
        self.max_size = FRAME_SIZE  # of a frame on this connection
        self._window = WINDOW
        self._bucket = TokenBucket(RATE, BURST, 0)
        self._pause = 0.0
        self._timers: set[asyncio.Handle] = set()
        self._pumping: asyncio.Handle | None = None

    def open(
        self, socket: ClientSocket, *, message_rate: float = RATE, max_size: int = FRAME_SIZE
    ) -> None:
        """Begin on a connection that has been welcomed."""
        self._socket, self._window, self.max_size = socket, WINDOW, max_size
        self._pause = 1 / (message_rate * SHARE)
        self._bucket = TokenBucket(message_rate * SHARE, BURST, elapsed())

    def close(self) -> None:
        """The connection has ended: forget all requests, and grant all turns."""
        self._socket = None
        while self._turns:
            self._take_turn()
        self._queue.clear()
        self._on_the_way.clear()
        for timer in {*self._timers, *filter(None, [self._pumping])}:
            timer.cancel()
        self._timers.clear()
        self._pumping = None

    def submit(self, request: LineRequest) -> None:
        """Send a request once its turn comes; not at all without a connection."""
        if self._socket is not None:
            self._queue.append(request)
            self._schedule(0)

    async def turn(self) -> None:
        """Await a turn for a frame beside the requests; they take turns with it. The turn may come
        with the end of the connection."""
        if self._socket is None:
            return
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        self._schedule(0)
        await turn

    def on_frame(self, frame: Frame) -> bool:
        """Return whether a frame answers a request."""
        request = self._answered_by(frame)
        if request is None:
            return False
        if request.settle(frame):
            request.failures = 0
        else:
            self._submit_later(request)
        self._schedule(0)
        return True

    def _answered_by(self, frame: Frame) -> LineRequest | None:
        if not _is_unread(frame):
            return self._on_the_way.pop(frame.get("id", 0), None)
        if len(self._on_the_way) > 1:
            self._repeat_one_by_one()
            return None
        return self._on_the_way.popitem()[1] if self._on_the_way else None

    def _repeat_one_by_one(self) -> None:
        """The server could not read one of the frames: the next such error shows which."""
        requests, self._on_the_way = [*self._on_the_way.values()], {}
        for request in requests:
            request.settle(AGAIN)
        self._window = 1
        self._queue.extendleft(reversed(requests))
        self._schedule(0)

    def _submit_later(self, request: LineRequest) -> None:
        pause = RETRY.delay(request.failures)
        request.failures += 1

        def submit() -> None:
            self._timers.discard(timer)
            self.submit(request)

        timer = asyncio.get_running_loop().call_later(pause, submit)
        self._timers.add(timer)

    def _schedule(self, pause: float) -> None:
        """Pump soon: requests of one tick travel together."""
        if self._pumping is None:
            loop = asyncio.get_running_loop()
            self._pumping = (
                loop.call_later(pause, self._pump) if pause else loop.call_soon(self._pump)
            )

    def _pump(self) -> None:
        self._pumping = None
        while self._socket and (self._turns or self._may_send):
            if not self._bucket.take(elapsed()):
                self._schedule(self._pause)
                return
            is_turn = bool(self._turns) and not (self._turn_was_last and self._may_send)
            if self._take_turn() if is_turn else self._send_next(self._socket):
                self._turn_was_last = is_turn
            else:
                self._bucket.refund()

    @property
    def _may_send(self) -> bool:
        return bool(self._queue) and len(self._on_the_way) < self._window

    def _take_turn(self) -> bool:
        """Give the first turn; return whether it is still wanted."""
        turn = self._turns.popleft()
        if turn.done():
            return False
        turn.set_result(None)
        return True

    def _send_next(self, socket: ClientSocket) -> bool:
        """Send the first request; return whether it is still needed."""
        request = self._queue.popleft()
        frame = request.frame()
        if frame is None:
            return False
        self._id = self._id % MAX_ID + 1
        self._on_the_way[self._id] = request
        socket.send({**frame, "id": self._id})
        return True


def _is_unread(frame: Frame) -> bool:
    """Return whether this is the error about a frame of which the server could read no id."""
    is_plain = frame["type"] == "error" and "id" not in frame and "room" not in frame
    return is_plain and frame["code"] not in RETRYABLE
