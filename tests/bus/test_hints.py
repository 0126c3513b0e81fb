"""What a hint is, as it travels and as it is read: anything else is nobody's hint."""

import json
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from realtime.bus.hints import (
    MAX_SESSIONS,
    Hint,
    HintKind,
    batch_message,
    hints_for,
    parse_message,
    room_group_name,
    workers_group_name,
)
from realtime.bus.publication_batches import PublicationBatch
from realtime.bus.signing import Signer
from realtime.store.log import LogEntry

SEALS = Signer([b"the project's"])
IDS = [f"{n:032x}" for n in range(1000)]


def message(**other: Any) -> dict[str, Any]:
    return {**Hint(HintKind.CLOSING, ("a",)).message(), **other}


@pytest.mark.parametrize("hint", [Hint(HintKind.CLOSING), Hint(HintKind.RESUMED, ("a", "b"))])
def test_a_hint_is_read_as_it_was_written(hint: Hint) -> None:
    assert parse_message(hint.message(), SEALS) == hint


@pytest.mark.parametrize(
    "forged",
    [
        None, 7, "hint", [], {}, b"\xc1",
        message(type="websocket.close"), message(kind="flush"), message(kind=["closing"]),
        message(kind=None), message(sessions=None), message(sessions="abc"),
        message(sessions={"a": 1}), message(sessions=[b"a"]), message(sessions=["a", 7]),
        message(sessions=IDS), message(sessions=[[["a"]]]),
        message(kind="resumed", sessions=[]), message(kind="published"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_exactly_a_hint_is_none(forged: object) -> None:
    assert parse_message(forged, SEALS) is None


@pytest.mark.parametrize("kind", HintKind)
def test_a_hint_names_so_many_and_no_more(kind: HintKind) -> None:
    (full,) = hints_for(kind, IDS[: MAX_SESSIONS[kind]])
    assert parse_message(full.message(), SEALS) == full
    assert parse_message(Hint(kind, tuple(IDS[: MAX_SESSIONS[kind] + 1])).message(), SEALS) is None


def test_of_nobody_there_is_nothing_to_tell() -> None:
    assert hints_for(HintKind.CLOSING, []) == hints_for(HintKind.RESUMED, []) == []


def test_too_many_to_be_named_as_closing_make_everybody_look() -> None:
    assert hints_for(HintKind.CLOSING, IDS[:101]) == [Hint(HintKind.CLOSING)]


def test_the_resumed_are_all_named() -> None:
    hints = hints_for(HintKind.RESUMED, IDS[:450])
    assert [len(hint.sessions) for hint in hints] == [200, 200, 50]
    assert [id_ for hint in hints for id_ in hint.sessions] == IDS[:450]


@pytest.mark.parametrize("prefix", ["realtime", "a" * 500, "ä:*{}!"])
def test_a_group_has_a_name_that_every_layer_takes(prefix: str) -> None:
    assert InMemoryChannelLayer().require_valid_group_name(workers_group_name(prefix))
    assert (
        workers_group_name(prefix) == workers_group_name(prefix) != workers_group_name(prefix + "x")
    )


# Publications

DATA = '{"text":"grüße 🎉","big":9007199254740991,"small":1e-7,"none":null}'
BUNDLE = PublicationBatch(
    "chat:1", "e1", 8, (LogEntry(7, 1_795_176_000_000, DATA), LogEntry(8, 0, '"\\u0000"'))
)


@pytest.mark.parametrize("bundle", [BUNDLE, PublicationBatch("user:1", "e1", 2**53)])
def test_a_bundle_is_read_as_it_was_written(bundle: PublicationBatch) -> None:
    travelled = json.loads(json.dumps(batch_message(bundle, SEALS)))  # as any layer could carry it
    assert parse_message(travelled, SEALS) == bundle


def test_the_seals_of_a_secret_that_was_replaced_are_known_for_a_while() -> None:
    before, after = Signer([b"old"]), Signer([b"new", b"old"])
    assert parse_message(batch_message(BUNDLE, before), after) == BUNDLE
    assert parse_message(batch_message(BUNDLE, after), before) is None
    assert parse_message(batch_message(BUNDLE, after), Signer([b"new"])) == BUNDLE


def test_no_part_of_a_bundle_can_be_changed() -> None:
    honest = batch_message(BUNDLE, SEALS)
    text = honest["text"]
    for place in range(len(text)):
        forged = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        assert parse_message({**honest, "text": forged}, SEALS) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"seal": None}, {"seal": ""}, {"seal": b"x"}, {"seal": "ß"}, {"seal": "\ud800"},
        {"seal": ["a"]}, {"text": None}, {"text": b"[]"}, {"text": "\ud800"}, {"text": ["a"]},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_exactly_a_bundle_is_none(forged: dict[str, Any]) -> None:
    assert parse_message({**batch_message(BUNDLE, SEALS), **forged}, SEALS) is None


def test_what_a_later_release_says_more_is_left_out() -> None:
    text = '["a","e",1,[[1,2,{"x":1},"more"]],["more"]]'
    message = {**batch_message(BUNDLE, SEALS), "text": text, "seal": SEALS.sign(text), "more": 1}
    assert parse_message(message, SEALS) == PublicationBatch(
        "a", "e", 1, (LogEntry(1, 2, '{"x":1}'),)
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '["a","e",1]', '["a","e",1,[[1,2]]]', '["a","e","1",[]]']
)
def test_what_another_version_has_sealed_is_none(text: str) -> None:
    message = {**batch_message(BUNDLE, SEALS), "text": text, "seal": SEALS.sign(text)}
    assert parse_message(message, SEALS) is None


def test_every_room_has_a_group_of_its_own_under_a_name_that_every_layer_takes() -> None:
    groups = {room_group_name(prefix, room) for prefix in ("a", "b") for room in ("x", "y" * 100)}
    groups |= {workers_group_name("a"), workers_group_name("b")}
    assert len(groups) == 6
    assert all(InMemoryChannelLayer().require_valid_group_name(group) for group in groups)
