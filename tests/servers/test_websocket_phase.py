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
    Event,
    IllegalEvent,
    Phase,
    next_phase,
)

LIVES = {
    "closed by the application": (
        (Event.REQUEST, HANDSHAKE),
        (Event.ACCEPT, OPEN),
        (Event.CLOSE, CLOSING),
        (Event.PEER_CLOSE, ENDING),
        (Event.LOST, CLOSED),
    ),
    "closed by the peer": (
        (Event.REQUEST, HANDSHAKE),
        (Event.ACCEPT, OPEN),
        (Event.PEER_CLOSE, ENDING),
        (Event.LOST, CLOSED),
    ),
    "denied": ((Event.REQUEST, HANDSHAKE), (Event.DENY, ENDING), (Event.LOST, CLOSED)),
    "violated": (
        (Event.REQUEST, HANDSHAKE),
        (Event.ACCEPT, OPEN),
        (Event.VIOLATION, FAILED),
        (Event.LOST, CLOSED),
    ),
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_a_connection_passes_through_its_phases(life: tuple[tuple[Event, Phase], ...]) -> None:
    phase = CONNECTING
    for event, expected in life:
        phase = next_phase(phase, event)
        assert phase is expected


def test_every_phase_ends_when_the_transport_is_lost() -> None:
    assert {TRANSITIONS[phase, Event.LOST] for phase in Phase if phase is not CLOSED} == {CLOSED}


def test_only_an_accepted_handshake_opens() -> None:
    assert [key for key, phase in TRANSITIONS.items() if phase is OPEN] == [
        (HANDSHAKE, Event.ACCEPT)
    ]


def test_nothing_leaves_closed() -> None:
    assert {after for (phase, _), after in TRANSITIONS.items() if phase is CLOSED} == {CLOSED}


@pytest.mark.parametrize(
    ("phase", "event"),
    [(OPEN, Event.ACCEPT), (CLOSING, Event.CLOSE), (CLOSED, Event.LOST), (CONNECTING, Event.CLOSE)],
)
def test_an_illegal_event_is_named(phase: Phase, event: Event) -> None:
    with pytest.raises(IllegalEvent, match=f"{event.value} while {phase.value}"):
        next_phase(phase, event)
