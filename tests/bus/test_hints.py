"""Hints and publication batches as messages of a channel layer; what is malformed is ignored."""

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

SIGNER = Signer([b"the project's"])
IDS = [f"{n:032x}" for n in range(1000)]


def message(**other: Any) -> dict[str, Any]:
    return {**Hint(HintKind.CLOSING, ("a",)).message(), **other}


@pytest.mark.parametrize("hint", [Hint(HintKind.CLOSING), Hint(HintKind.RESUMED, ("a", "b"))])
def test_a_hint_survives_the_round_trip(hint: Hint) -> None:
    assert parse_message(hint.message(), SIGNER) == hint


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
def test_a_malformed_hint_is_ignored(forged: object) -> None:
    assert parse_message(forged, SIGNER) is None


@pytest.mark.parametrize("kind", HintKind)
def test_a_hint_names_a_bounded_number_of_sessions(kind: HintKind) -> None:
    (full,) = hints_for(kind, IDS[: MAX_SESSIONS[kind]])
    assert parse_message(full.message(), SIGNER) == full
    assert parse_message(Hint(kind, tuple(IDS[: MAX_SESSIONS[kind] + 1])).message(), SIGNER) is None


def test_there_is_no_hint_without_sessions() -> None:
    assert hints_for(HintKind.CLOSING, []) == hints_for(HintKind.RESUMED, []) == []


def test_too_many_closing_sessions_make_one_hint_without_names() -> None:
    assert hints_for(HintKind.CLOSING, IDS[:101]) == [Hint(HintKind.CLOSING)]


def test_all_resumed_sessions_are_named_in_several_hints() -> None:
    hints = hints_for(HintKind.RESUMED, IDS[:450])
    assert [len(hint.sessions) for hint in hints] == [200, 200, 50]
    assert [id_ for hint in hints for id_ in hint.sessions] == IDS[:450]


@pytest.mark.parametrize("prefix", ["realtime", "a" * 500, "ä:*{}!"])
def test_group_names_are_valid_on_every_layer(prefix: str) -> None:
    assert InMemoryChannelLayer().require_valid_group_name(workers_group_name(prefix))
    assert (
        workers_group_name(prefix) == workers_group_name(prefix) != workers_group_name(prefix + "x")
    )


# Publications

DATA = '{"text":"grüße 🎉","big":9007199254740991,"small":1e-7,"none":null}'
BATCH = PublicationBatch(
    "chat:1", "e1", 8, (LogEntry(7, 1_795_176_000_000, DATA), LogEntry(8, 0, '"\\u0000"'))
)


@pytest.mark.parametrize("batch", [BATCH, PublicationBatch("user:1", "e1", 2**53)])
def test_a_batch_survives_the_round_trip(batch: PublicationBatch) -> None:
    travelled = json.loads(json.dumps(batch_message(batch, SIGNER)))  # as any layer could carry it
    assert parse_message(travelled, SIGNER) == batch


def test_signatures_of_a_rotated_secret_are_accepted() -> None:
    before, after = Signer([b"old"]), Signer([b"new", b"old"])
    assert parse_message(batch_message(BATCH, before), after) == BATCH
    assert parse_message(batch_message(BATCH, after), before) is None
    assert parse_message(batch_message(BATCH, after), Signer([b"new"])) == BATCH


def test_a_changed_batch_is_ignored() -> None:
    honest = batch_message(BATCH, SIGNER)
    text = honest["text"]
    for place in range(len(text)):
        forged = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        assert parse_message({**honest, "text": forged}, SIGNER) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"seal": None}, {"seal": ""}, {"seal": b"x"}, {"seal": "ß"}, {"seal": "\ud800"},
        {"seal": ["a"]}, {"text": None}, {"text": b"[]"}, {"text": "\ud800"}, {"text": ["a"]},
    ],
    ids=repr,
)  # fmt: skip
def test_a_malformed_batch_is_ignored(forged: dict[str, Any]) -> None:
    assert parse_message({**batch_message(BATCH, SIGNER), **forged}, SIGNER) is None


def test_fields_that_later_releases_append_are_ignored() -> None:
    text = '["a","e",1,[[1,2,{"x":1},"more"]],["more"]]'
    message = {**batch_message(BATCH, SIGNER), "text": text, "seal": SIGNER.sign(text), "more": 1}
    assert parse_message(message, SIGNER) == PublicationBatch(
        "a", "e", 1, (LogEntry(1, 2, '{"x":1}'),)
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '["a","e",1]', '["a","e",1,[[1,2]]]', '["a","e","1",[]]']
)
def test_a_signed_text_of_another_shape_is_ignored(text: str) -> None:
    message = {**batch_message(BATCH, SIGNER), "text": text, "seal": SIGNER.sign(text)}
    assert parse_message(message, SIGNER) is None


def test_every_room_has_its_own_valid_group_name() -> None:
    groups = {room_group_name(prefix, room) for prefix in ("a", "b") for room in ("x", "y" * 100)}
    groups |= {workers_group_name("a"), workers_group_name("b")}
    assert len(groups) == 6
    assert all(InMemoryChannelLayer().require_valid_group_name(group) for group in groups)
