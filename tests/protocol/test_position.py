"""Positions as text, and where a client begins in a room."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.position import MAX_OFFSET, Position, Rewind, RoomStart

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "positions.json").read_text())


@pytest.mark.parametrize(("text", "epoch", "offset"), VECTORS["valid"])
def test_a_text_is_parsed(text: str, epoch: str, offset: int) -> None:
    assert Position.parse(text) == Position(epoch, offset)


@pytest.mark.parametrize("text", [*VECTORS["invalid"], "e" * 101 + ":1", "k3:" + "1" * 5000])
def test_any_other_text_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(ValueError, match='expected a position such as "k3:41"') as caught:
        Position.parse(text)
    assert len(str(caught.value)) < 400


@given(st.text(min_size=1, max_size=100), st.integers(0, MAX_OFFSET))
def test_the_text_of_a_position_is_parsed_to_it(epoch: str, offset: int) -> None:
    position = Position(epoch, offset)
    assert Position.parse(str(position)) == position
    assert f"{position}" == f"{epoch}:{offset}"


def test_a_start_is_a_position_or_a_rewind() -> None:
    assert RoomStart(epoch="k3", offset=0).start == Position("k3", 0)
    assert RoomStart(rewind=50).start == Rewind(50)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"epoch": "k3"},
        {"offset": 41},
        {"epoch": "k3", "rewind": 50},
        {"offset": 41, "rewind": 50},
        {"epoch": "k3", "offset": 41, "rewind": 50},
    ],
)
def test_a_start_that_is_neither_or_both_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="epoch and offset, or with rewind"):
        RoomStart(**given)
