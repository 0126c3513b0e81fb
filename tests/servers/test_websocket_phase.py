"""The table of a WebSocket's phases."""

import pytest

from realtime.servers.common.websocket_phase import (
    CLOSED,
    CLOSING,
    CONNECTING,
    ENDING,
    FAILED,
    HANDSHAKE,
    OPEN,
    TRANSITIONS,
    IllegalPhaseEvent,
    Phase,
    PhaseEvent,
    next_phase,
)

LIVES = {
    "closed by the application": (
        (PhaseEvent.REQUEST, HANDSHAKE),
        (PhaseEvent.ACCEPT, OPEN),
        (PhaseEvent.CLOSE, CLOSING),
        (PhaseEvent.PEER_CLOSE, ENDING),
        (PhaseEvent.LOST, CLOSED),
    ),
    "closed by the peer": (
        (PhaseEvent.REQUEST, HANDSHAKE),
        (PhaseEvent.ACCEPT, OPEN),
        (PhaseEvent.PEER_CLOSE, ENDING),
        (PhaseEvent.LOST, CLOSED),
    ),
    "denied": (
        (PhaseEvent.REQUEST, HANDSHAKE),
        (PhaseEvent.DENY, ENDING),
        (PhaseEvent.LOST, CLOSED),
    ),
    "violated": (
        (PhaseEvent.REQUEST, HANDSHAKE),
        (PhaseEvent.ACCEPT, OPEN),
        (PhaseEvent.VIOLATION, FAILED),
        (PhaseEvent.LOST, CLOSED),
    ),
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_a_connection_passes_through_its_phases(life: tuple[tuple[PhaseEvent, Phase], ...]) -> None:
    phase = CONNECTING
    for event, expected in life:
        phase = next_phase(phase, event)
        assert phase is expected


def test_every_phase_ends_when_the_transport_is_lost() -> None:
    assert {TRANSITIONS[phase][PhaseEvent.LOST] for phase in Phase if phase is not CLOSED} == {
        CLOSED
    }


def test_only_an_accepted_handshake_opens() -> None:
    ways = [(a, e) for a, events in TRANSITIONS.items() for e, b in events.items() if b is OPEN]
    assert ways == [(HANDSHAKE, PhaseEvent.ACCEPT)]


def test_nothing_leaves_closed() -> None:
    assert set(TRANSITIONS[CLOSED].values()) == {CLOSED}


@pytest.mark.parametrize(
    ("phase", "event"),
    [
        (OPEN, PhaseEvent.ACCEPT),
        (CLOSING, PhaseEvent.CLOSE),
        (CLOSED, PhaseEvent.LOST),
        (CONNECTING, PhaseEvent.CLOSE),
    ],
)
def test_an_illegal_event_is_named(phase: Phase, event: PhaseEvent) -> None:
    with pytest.raises(IllegalPhaseEvent, match=f"{event.value} while {phase.value}"):
        next_phase(phase, event)
