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
REQUEST, ACCEPT, DENY, CLOSE, PEER_CLOSE, VIOLATION, END, LOST = PhaseEvent
ARRIVING = (CONNECTING, HANDSHAKE)

# Frames in one read with the request come in HANDSHAKE; the rest of one read, after the frame or
# request that ended the connection, in FAILED and ENDING; a late abort in CLOSED.
_PEER = {PEER_CLOSE: ENDING, VIOLATION: FAILED}
_GONE = {END: ENDING, LOST: CLOSED}
TRANSITIONS: dict[Phase, dict[PhaseEvent, Phase]] = {
    CONNECTING: {REQUEST: HANDSHAKE, DENY: ENDING, **_GONE},
    HANDSHAKE: {ACCEPT: OPEN, DENY: ENDING, **_PEER, **_GONE},
    OPEN: {CLOSE: CLOSING, **_PEER, **_GONE},
    CLOSING: {**_PEER, **_GONE},
    FAILED: {PEER_CLOSE: ENDING, **_GONE},
    ENDING: {**_PEER, **_GONE},
    CLOSED: {END: CLOSED},
}


def next_phase(phase: Phase, event: PhaseEvent) -> Phase:
    """The phase after the event. Raises IllegalPhaseEvent."""
    try:
        return TRANSITIONS[phase][event]
    except KeyError:
        raise IllegalPhaseEvent(f"{event.value} while {phase.value}") from None
