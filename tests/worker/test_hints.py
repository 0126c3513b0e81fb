"""What a hint is, as it travels and as it is read: anything else is nobody's hint."""

from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from realtime.worker.hints import MOST, Hint, Kind, about, group_of, understand

IDS = [f"{n:032x}" for n in range(1000)]


def message(**other: Any) -> dict[str, Any]:
    return {**Hint(Kind.CLOSING, ("a",)).message(), **other}


@pytest.mark.parametrize("hint", [Hint(Kind.CLOSING), Hint(Kind.RESUMED, ("a", "b"))])
def test_a_hint_is_read_as_it_was_written(hint: Hint) -> None:
    assert understand(hint.message()) == hint


@pytest.mark.parametrize(
    "forged",
    [
        None, 7, "hint", [], {}, b"\xc1",
        message(type="websocket.close"), message(kind="flush"), message(kind=["closing"]),
        message(kind=None), message(sessions=None), message(sessions="abc"),
        message(sessions={"a": 1}), message(sessions=[b"a"]), message(sessions=["a", 7]),
        message(sessions=IDS), message(sessions=[[["a"]]]),
        message(kind="resumed", sessions=[]),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_exactly_a_hint_is_none(forged: object) -> None:
    assert understand(forged) is None


@pytest.mark.parametrize("kind", Kind)
def test_a_hint_names_so_many_and_no_more(kind: Kind) -> None:
    (full,) = about(kind, IDS[: MOST[kind]])
    assert understand(full.message()) == full
    assert understand(Hint(kind, tuple(IDS[: MOST[kind] + 1])).message()) is None


def test_of_nobody_there_is_nothing_to_tell() -> None:
    assert about(Kind.CLOSING, []) == about(Kind.RESUMED, []) == []


def test_too_many_to_be_named_as_closing_make_everybody_look() -> None:
    assert about(Kind.CLOSING, IDS[:101]) == [Hint(Kind.CLOSING)]


def test_the_resumed_are_all_named() -> None:
    hints = about(Kind.RESUMED, IDS[:450])
    assert [len(hint.sessions) for hint in hints] == [200, 200, 50]
    assert [id_ for hint in hints for id_ in hint.sessions] == IDS[:450]


@pytest.mark.parametrize("prefix", ["realtime", "a" * 500, "ä:*{}!"])
def test_a_group_has_a_name_that_every_layer_takes(prefix: str) -> None:
    assert InMemoryChannelLayer().require_valid_group_name(group_of(prefix))
    assert group_of(prefix) == group_of(prefix) != group_of(prefix + "x")
