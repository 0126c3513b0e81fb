"""Websockets' sans-I/O parser, adapted: it takes larger heads, and a close at any time."""

import websockets.http11
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from .http import MAX_HEAD

# The HTTP protocol has bounded the head already; websockets would refuse a line, such as that of
# the cookies, of more than 8 KiB.
websockets.http11.MAX_LINE_LENGTH = MAX_HEAD


class InterruptibleParser(ServerProtocol):
    """Lets a close frame come within an unfinished message (RFC 6455, 5.4 and 7.1.5)."""

    def recv_frame(self, frame: Frame) -> None:
        """Process a frame; an unfinished message ends with a close frame."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


def release(parser: ServerProtocol) -> None:
    """Let the parser of a lost connection be freed: its suspended generator and its errors know
    the protocol that has it."""
    parser.parser.close()
    _drop_tracebacks(parser.handshake_exc)
    _drop_tracebacks(parser.parser_exc)


def _drop_tracebacks(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
