"""The heartbeat machine against its vectors."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from realtime.protocol.heartbeat import (
    TRANSITIONS,
    Dead,
    Event,
    Heartbeat,
    IllegalEvent,
    Policy,
    SendPing,
    State,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "heartbeat.json").read_text())


def policy(name: str) -> Policy:
    numbers = dict(VECTORS["policies"][name])
    if numbers["session_timeout"] is None:
        numbers["session_timeout"] = math.inf
    return Policy(**numbers)


def perform(heartbeat: Heartbeat, at: float, event: str) -> Any:
    verb, _, argument = event.partition(" ")
    try:
        match verb:
            case "tick":
                return answer(heartbeat.tick(at))
            case "pong":
                return heartbeat.pong(int(argument), at)
            case "traffic":
                return heartbeat.traffic(at)
            case "probe":
                return answer(heartbeat.probe(at, within=float(argument) if argument else None))
            case "excuse":
                return heartbeat.excuse(float(argument))
    except IllegalEvent:
        return "illegal"
    raise AssertionError(f"unknown step {event}")


def answer(action: SendPing | Dead | None) -> Any:
    match action:
        case SendPing(sequence=sequence):
            return {"ping": sequence}
        case Dead(missed=missed):
            return {"dead": missed}
    return None


def observe(heartbeat: Heartbeat, name: str) -> Any:
    match name:
        case "state":
            return heartbeat.state.value
        case "due":
            return None if heartbeat.due == math.inf else heartbeat.due
        case "outstanding":
            return list(heartbeat.outstanding)
    return getattr(heartbeat, name)


def near(value: Any) -> Any:
    return pytest.approx(value, abs=1e-9) if isinstance(value, int | float) else value


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vector(case: dict[str, Any]) -> None:
    first = case.get("first_ping")
    heartbeat = Heartbeat(policy(case["policy"]), case["start"], first_ping=first)
    for at, event, expected, checks in case["steps"]:
        assert perform(heartbeat, at, event) == near(expected), (at, event)
        for name, value in checks.items():
            assert observe(heartbeat, name) == near(value), (at, event, name)


def test_every_live_state_allows_every_event() -> None:
    live = {State.ALIVE, State.UNSTABLE}
    assert {state for state, _ in TRANSITIONS} == live
    assert len(TRANSITIONS) == len(live) * len(Event)
