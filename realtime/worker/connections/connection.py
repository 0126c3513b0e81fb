"""One live transport: what may come in, what goes out, and how it ends."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from realtime.protocol import messages
from realtime.protocol.bucket import TokenBucket
from realtime.protocol.codes import CloseCode, ErrorCode, reason_for
from realtime.protocol.decoding import BadFrame, TooMuchData, decode, size_of
from realtime.protocol.frames import Encoded, encoded
from realtime.protocol.messages import BINARY, ClientMessage, ServerMessage

from .transports import DirectTransport, FrameWriter, QueuedTransport, Send

MAX_MALFORMED = 10
MAX_UNSENT = 1024 * 1024
MAX_CLOSE_REASON = 123  # bytes beside the code in a control frame (RFC 6455, 5.5)
CLOSE_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """What one connection may do: bytes of a frame and of a message's data; frames, and their
    bytes, a second and in a burst."""

    max_message_size: int
    rate: float
    burst: float
    max_publication: int = 65_536
    byte_rate: float = 2.0**20
    byte_burst: float = 2.0**24


class Connection:
    """Reads and answers on one transport; never waits for it.

    Where the server has ``frames``, what is sent goes straight to the transport, else
    through a bounded outbox. More than MAX_UNSENT bytes unsent end the connection with
    4003. ``drop`` is called CLOSE_TIMEOUT after the end, in case the transport does not
    notice; it must stop whoever reads from it. ``frames_out`` counts what is sent but
    publications, which are counted by whoever hands them over. ``answered`` says that the end
    is the answer to ``hello``, about a session that was: such an end counts as no refusal.
    """

    __slots__ = (
        "_any_code",
        "_began",
        "_bucket",
        "_bytes",
        "_closing",
        "_drop",
        "_frames",
        "_limits",
        "_loop",
        "_malformed",
        "_out",
        "answered",
        "ended",
        "frames_in",
        "frames_out",
    )

    def __init__(
        self,
        send: Send,
        limits: FrameLimits,
        *,
        drop: Callable[[], object],
        any_code: bool = False,
        frames: FrameWriter | None = None,
    ) -> None:
        self._limits = limits
        self._drop = drop
        self._any_code = any_code
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._bucket = TokenBucket(limits.rate, limits.burst, now)
        self._bytes = TokenBucket(limits.byte_rate, limits.byte_burst, now)
        self._out = (
            DirectTransport(frames, send, self._fail)
            if frames
            else QueuedTransport(send, self._fail)
        )
        self._frames = frames
        self._closing: asyncio.TimerHandle | None = None
        self._malformed = 0
        self._began = self._loop.time()
        self.frames_in = 0
        self.frames_out = 0
        self.ended: tuple[int, str] | None = None
        self.answered = False

    # ------------------------------------------------------------ coming in

    def read(self, text: str) -> ClientMessage | None:
        """The message in a text frame, or None when it was answered with an error."""
        limits = self._limits
        if not self.admit_frame(size_of(text)):
            return None
        try:
            return decode(text, max_size=limits.max_message_size, max_data=limits.max_publication)
        except TooMuchData as bad:
            self.send(messages.Error(bad.code.value, bad.detail, bad.id, bad.room))
        except BadFrame as bad:
            self.malformed(bad.code, bad.detail)
        return None

    def admit_frame(self, size: int) -> bool:
        """Count a frame of ``size`` bytes against the rates; beyond one the connection ends
        with 4004."""
        if self.ended:
            return False
        self.frames_in += 1
        now = self._loop.time()
        if self._bucket.take(now) and self._bytes.take(now, tokens=size):
            return True
        self.end(CloseCode.RATE_LIMIT)
        return False

    def excuse_frame(self) -> None:
        """The frame that was admitted last does not count against the rate; its bytes do."""
        self._bucket.give_back()

    def fits(self, data: bytes) -> bool:
        """Whether a binary frame is within the size limit; answered with an error if not."""
        if len(data) <= self._limits.max_message_size:
            return True
        detail = f"expected a frame of at most {self._limits.max_message_size} bytes"
        self.malformed(ErrorCode.INVALID_MESSAGE, detail, id=BINARY)
        return False

    def malformed(self, code: ErrorCode, detail: str, *, id: int | None = None) -> None:
        """Answer a frame that is no message, a binary one with BINARY; the tenth is the last."""
        self._malformed += 1
        self.send(messages.Error(code=code.value, detail=detail, id=id))
        if self._malformed >= MAX_MALFORMED:
            self.end(CloseCode.PROTOCOL_ERRORS)

    # ------------------------------------------------------------ going out

    @property
    def gone(self) -> bool:
        """Whether the transport is known to have ended; only our servers tell."""
        return self._frames is not None and not self._frames.open

    @property
    def age_ms(self) -> int:
        """How long ago it came."""
        return round((self._loop.time() - self._began) * 1000)

    @property
    def unsent(self) -> int:
        """Bytes sent that the server, or the kernel, has not taken yet."""
        return self._out.unsent

    def send(self, message: ServerMessage) -> None:
        """Send a message; nothing happens after the end."""
        self.post(encoded(messages.encode(message)))

    def send_bytes(self, data: bytes) -> None:
        """Send a binary frame of the application's."""
        self.post(encoded(data))

    def post(self, message: Encoded) -> None:
        """Send a message that is encoded; nothing happens after the end."""
        if self._put(message):
            self.frames_out += 1

    def deliver(self, message: Encoded) -> None:
        """Send a publication; what many are sent is sent by :func:`deliver_to_all`."""
        self._put(message)

    def _put(self, message: Encoded) -> bool:
        if self.ended:
            return False
        if self._out.unsent + len(message.payload) > MAX_UNSENT:
            self._overflow()
            return False
        self._out.put(message)
        return True

    def end(self, code: int, reason: str = "", *, delay_ms: tuple[int, int] | None = None) -> None:
        """Say goodbye and close, once; what was sent before still goes first."""
        if self.ended:
            return
        reason = reason or reason_for(code)
        self.send(messages.goodbye(code, reason, delay_ms))
        self._close(int(code), reason)

    def shutdown_code(self) -> CloseCode:
        """1001 where the server can send it, else 4001."""
        return CloseCode.GOING_AWAY if self._any_code else CloseCode.SERVER_SHUTDOWN

    async def flush(self) -> None:
        """Wait until the server has all there is, or the transport has failed."""
        await self._out.flush()

    def over(self) -> None:
        """Whoever read from the transport has ended: there is nobody to drop. What knows this
        connection and is known by it is forgotten, so that both end with their last user."""
        self._drop = _nothing
        self._out.over()
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _overflow(self) -> None:
        # Nobody reads this connection: a goodbye would only wait behind the rest.
        self._out.clear()
        self._close(CloseCode.SLOW_CONSUMER.value, CloseCode.SLOW_CONSUMER.reason)

    def _close(self, code: int, reason: str) -> None:
        if self.ended:  # the goodbye was too much
            return
        self.ended = (code, reason)
        # More would be a protocol error; goodbye has said it in full.
        short = reason.encode()[:MAX_CLOSE_REASON].decode(errors="ignore")
        self._out.close(code, short)
        self._closing = self._loop.call_later(CLOSE_TIMEOUT, self._drop)

    def _fail(self) -> None:
        """The server refused an event: nothing more can be said here."""
        self.ended = self.ended or (CloseCode.LOST.value, CloseCode.LOST.reason)
        self._drop()


def _nothing() -> None:
    """Nobody is left to be dropped."""


def deliver_to_all(connections: Iterable[Connection], message: Encoded) -> None:
    """Send all of these the same publication, as ``deliver`` does it for one.

    Whoever has nothing unsent is not asked how much it is, and is written to in one go with
    the others: for a thousand that takes half the time.
    """
    live = [each for each in connections if not each.ended]
    frames = live[0]._frames if live else None  # all have them, or none: it is the server's
    behind: Iterable[int] = range(len(live))
    if frames is not None and len(message.frame) <= MAX_UNSENT:
        behind = frames.write_to_all([each._frames for each in live], message.frame)
    for number in behind:
        live[number].deliver(message)
