"""The phases of a WebSocket on the server, as a table that both servers run.

CONNECTING ─▶ HANDSHAKE ─▶ OPEN ─▶ CLOSING ─┐
     └────────────┴──────────┴──▶ FAILED ───┴▶ ENDING ─▶ CLOSED
"""

from enum import Enum


class Phase(Enum):
    """How far one WebSocket is."""

    CONNECTING = "connecting"  # its request has not been read
    HANDSHAKE = "handshake"  # the application has the request and has not answered
    OPEN = "open"  # the only phase in which data frames are sent and delivered
    CLOSING = "closing"  # our close frame is sent, the peer's is awaited
    FAILED = "failed"  # the peer broke the protocol: its data is read and discarded
    ENDING = "ending"  # nothing more is sent; the transport is closing
    CLOSED = "closed"  # the transport is lost


class PhaseEvent(Enum):
    """Causes of a transition."""

    REQUEST = "request"  # the request goes to the application
    ACCEPT = "accept"
    DENY = "deny"  # an HTTP error answers the request
    CLOSE = "close"  # we send a close frame
    PEER_CLOSE = "peer close"  # the peer has sent one, and has ours
    VIOLATION = "violation"  # of the protocol, by the peer
    END = "end"  # the peer has ended its half, or this side closes or aborts the transport
    LOST = "lost"  # the transport has ended


class IllegalPhaseEvent(Exception):
    """An event that the phase does not know. Nothing has changed."""


# As globals: reading an attribute of an enum costs 0.1 µs more, and every frame reads a phase.
CONNECTING, HANDSHAKE, OPEN, CLOSING, FAILED, ENDING, CLOSED = Phase
ARRIVING = (CONNECTING, HANDSHAKE)

TRANSITIONS: dict[tuple[Phase, PhaseEvent], Phase] = {
    (CONNECTING, PhaseEvent.REQUEST): HANDSHAKE,
    (CONNECTING, PhaseEvent.DENY): ENDING,
    (CONNECTING, PhaseEvent.END): ENDING,
    (CONNECTING, PhaseEvent.LOST): CLOSED,
    (HANDSHAKE, PhaseEvent.ACCEPT): OPEN,
    (HANDSHAKE, PhaseEvent.DENY): ENDING,
    # Frames that came in one read with the request.
    (HANDSHAKE, PhaseEvent.PEER_CLOSE): ENDING,
    (HANDSHAKE, PhaseEvent.VIOLATION): FAILED,
    (HANDSHAKE, PhaseEvent.END): ENDING,
    (HANDSHAKE, PhaseEvent.LOST): CLOSED,
    (OPEN, PhaseEvent.CLOSE): CLOSING,
    (OPEN, PhaseEvent.PEER_CLOSE): ENDING,
    (OPEN, PhaseEvent.VIOLATION): FAILED,
    (OPEN, PhaseEvent.END): ENDING,
    (OPEN, PhaseEvent.LOST): CLOSED,
    (CLOSING, PhaseEvent.PEER_CLOSE): ENDING,
    (CLOSING, PhaseEvent.VIOLATION): FAILED,
    (CLOSING, PhaseEvent.END): ENDING,
    (CLOSING, PhaseEvent.LOST): CLOSED,
    (FAILED, PhaseEvent.PEER_CLOSE): ENDING,  # in one read with the violation
    (FAILED, PhaseEvent.END): ENDING,
    (FAILED, PhaseEvent.LOST): CLOSED,
    # The rest of one read, after the frame or the request that ended the connection.
    (ENDING, PhaseEvent.PEER_CLOSE): ENDING,
    (ENDING, PhaseEvent.VIOLATION): FAILED,
    (ENDING, PhaseEvent.END): ENDING,
    (ENDING, PhaseEvent.LOST): CLOSED,
    (CLOSED, PhaseEvent.END): CLOSED,  # an abort that comes late
}


def next_phase(phase: Phase, event: PhaseEvent) -> Phase:
    """The phase after the event. Raises IllegalPhaseEvent."""
    try:
        return TRANSITIONS[phase, event]
    except KeyError:
        raise IllegalPhaseEvent(f"{event.value} while {phase.value}") from None
