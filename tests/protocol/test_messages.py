"""Messages as JSON in both directions, and invalid frames."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol.codes import CloseCode, ErrorCode
from realtime.protocol.decoding import TYPES, BadFrame, TooMuchData, decode
from realtime.protocol.json_limits import MAX_DEPTH, OUT_OF_RANGE
from realtime.protocol.messages import (
    MAX_HELLO_ROOMS,
    Ack,
    Bye,
    ClientMessage,
    ClientPing,
    ClientPong,
    Error,
    Goodbye,
    Hello,
    Join,
    Joined,
    JoinResult,
    Leave,
    Left,
    Notice,
    Ping,
    Pong,
    Publication,
    Received,
    Resume,
    RoomMessage,
    ServerMessage,
    Visibility,
    Welcome,
    encode,
    goodbye,
    timestamp,
)
from realtime.protocol.position import Position

MAX_SIZE = 1_000_000
VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "malformed.json").read_text())


def read(text: str, *, max_size: int = MAX_SIZE) -> ClientMessage:
    return decode(text, max_size=max_size)


def refused(text: str, *, max_size: int = MAX_SIZE) -> BadFrame:
    with pytest.raises(BadFrame) as caught:
        decode(text, max_size=max_size)
    return caught.value


def assemble(pieces: str | Sequence[str | tuple[str, int]]) -> str:
    """A frame of the vectors: a text, or pieces of which some are repeated."""
    if isinstance(pieces, str):
        return pieces
    return "".join(p if isinstance(p, str) else p[0] * p[1] for p in pieces)


def nested(levels: int, leaf: str = "") -> str:
    """A message of this many levels, counting itself."""
    return '{"type":"bye","x":' + "[" * (levels - 1) + leaf + "]" * (levels - 1) + "}"


# ---------------------------------------------------------------- from the client

FROM_CLIENT: dict[str, tuple[str, ClientMessage]] = {
    "hello": (
        '{"type":"hello","protocol":1,"client":"realtime-js/0.1.0",'
        '"resume":{"session":"abc","token":"def","turn":7},"visibility":"hidden"}',
        Hello(
            protocol=1,
            client="realtime-js/0.1.0",
            resume=Resume(session="abc", token="def", turn=7),
            visibility="hidden",
        ),
    ),
    "hello of a client without turns": (
        '{"type":"hello","protocol":1,"resume":{"session":"abc","token":"def"}}',
        Hello(protocol=1, resume=Resume(session="abc", token="def", turn=None)),
    ),
    "hello with the last turn of all": (
        '{"type":"hello","protocol":1,'
        '"resume":{"session":"abc","token":"def","turn":9007199254740992}}',
        Hello(protocol=1, resume=Resume(session="abc", token="def", turn=2**53)),
    ),
    "shortest hello": ('{"type":"hello","protocol":1}', Hello(protocol=1)),
    "hello with nothing to resume": (
        '{"type":"hello","protocol":1,"resume":null}',
        Hello(protocol=1, resume=None),
    ),
    "hello with rooms": (
        '{"type":"hello","protocol":1,'
        '"rooms":{"chat:lobby":{"epoch":"k3","offset":41},"news":null}}',
        Hello(protocol=1, rooms={"chat:lobby": Position("k3", 41), "news": None}),
    ),
    "hello of the next version": ('{"type":"hello","protocol":2}', Hello(protocol=2)),
    "pong": (
        '{"type":"pong","sequence":12,"timestamp":"2026-11-20T12:00:00.000Z",'
        '"client_time":1795176000012,"received":37,"ping_count":12}',
        ClientPong(
            sequence=12,
            timestamp="2026-11-20T12:00:00.000Z",
            client_time=1795176000012,
            received=37,
            ping_count=12,
        ),
    ),
    "shortest pong": ('{"type":"pong","sequence":1}', ClientPong(sequence=1)),
    "ping": (
        '{"type":"ping","sequence":3,"client_time":1795176000000}',
        ClientPing(sequence=3, client_time=1795176000000),
    ),
    "received": ('{"type":"received","count":64}', Received(count=64)),
    "join": (
        '{"type":"join","id":3,"room":"chat:lobby","position":{"epoch":"k3","offset":41}}',
        Join(id=3, room="chat:lobby", position=Position("k3", 41)),
    ),
    "shortest join": ('{"type":"join","id":3,"room":"news"}', Join(id=3, room="news")),
    "join from now on": (
        '{"type":"join","id":3,"room":"news","position":null}',
        Join(id=3, room="news"),
    ),
    # Invalid names of rooms are answered with the id, so the decoder accepts them.
    "join of no room": ('{"type":"join","id":-1,"room":"no room"}', Join(id=-1, room="no room")),
    "leave": ('{"type":"leave","id":4,"room":"news"}', Leave(id=4, room="news")),
    "message": (
        '{"type":"message","id":7,"room":"news","data":{"a":[1.5,null]},"key":"b1"}',
        RoomMessage(id=7, room="news", data={"a": [1.5, None]}, key="b1"),
    ),
    "message of nothing": (
        '{"type":"message","id":7,"room":"news","data":null,"key":"b1"}',
        RoomMessage(id=7, room="news", data=None, key="b1"),
    ),
    "visibility": ('{"type":"visibility","state":"frozen"}', Visibility(state="frozen")),
    "bye": ('{"type":"bye"}', Bye()),
}


@pytest.mark.parametrize(("text", "message"), FROM_CLIENT.values(), ids=FROM_CLIENT)
def test_a_client_message_is_decoded(text: str, message: ClientMessage) -> None:
    assert read(text) == message


@pytest.mark.parametrize(("text", "message"), FROM_CLIENT.values(), ids=FROM_CLIENT)
def test_unknown_fields_are_ignored(text: str, message: ClientMessage) -> None:
    extra = '"newer":{"chat:lobby":{"epoch":"k3","offset":41},"news":null},"new":[1.5,true,"x"]'
    assert read(f"{{{extra},{text[1:]}") == message
    assert read(f"{text[:-1]},{extra}}}") == message


def test_the_order_of_fields_and_white_space_do_not_matter() -> None:
    assert read(' {"sequence" : 1 ,\r\n\t"type":"ping"} ') == ClientPing(sequence=1)


def test_the_last_one_of_a_repeated_field_counts() -> None:
    assert read('{"type":"ping","sequence":1,"sequence":2}') == ClientPing(sequence=2)


def test_escapes_and_surrogate_pairs_are_decoded() -> None:
    message = read('{"type":"hello","protocol":1,"client":"\\u00e9\\ud83d\\ude00"}')
    assert message == Hello(protocol=1, client="é😀")


# ---------------------------------------------------------------- from the server

FROM_SERVER: dict[str, tuple[ServerMessage, str]] = {
    "welcome": (
        Welcome(
            session="abc",
            token="def",
            resumed=False,
            user="17",
            ping_interval=25000,
            pong_timeout=10000,
            max_missed=3,
            resume_window=120000,
            window=256,
            window_bytes=65536,
            max_message_size=1000000,
            max_publication=65536,
            server_time=1795176000000,
            rooms={
                "user:17": JoinResult("a1", 7),
                "chat:lobby": JoinResult("k3", 44, recovered=True),
                "news": JoinResult("k4", 9, recovered=False, reason="epoch_changed"),
            },
        ),
        '{"type":"welcome","protocol":1,"session":"abc","token":"def","resumed":false,'
        '"user":"17","ping_interval":25000,"pong_timeout":10000,"max_missed":3,'
        '"resume_window":120000,"window":256,"window_bytes":65536,"max_message_size":1000000,"max_publication":65536,'
        '"server_time":1795176000000,"rooms":{"user:17":{"epoch":"a1","offset":7},'
        '"chat:lobby":{"epoch":"k3","offset":44,"recovered":true},'
        '"news":{"epoch":"k4","offset":9,"recovered":false,"reason":"epoch_changed"}}}',
    ),
    "ping": (
        Ping(
            sequence=12,
            timestamp="2026-11-20T12:00:00.000Z",
            server_time=1795176000000,
            delivered=37,
        ),
        '{"type":"ping","sequence":12,"timestamp":"2026-11-20T12:00:00.000Z",'
        '"server_time":1795176000000,"delivered":37}',
    ),
    "pong": (
        Pong(
            sequence=3,
            client_time=1795176000000,
            server_time=1795176000012,
            timestamp="2026-11-20T12:00:00.012Z",
            online=142,
        ),
        '{"type":"pong","sequence":3,"client_time":1795176000000,'
        '"server_time":1795176000012,"timestamp":"2026-11-20T12:00:00.012Z",'
        '"status":"pong","online":142}',
    ),
    "notice": (Notice(state="degraded"), '{"type":"notice","state":"degraded"}'),
    "joined": (
        Joined(room="news", epoch="k3", offset=44, recovered=True, id=3),
        '{"type":"joined","id":3,"room":"news","epoch":"k3","offset":44,"recovered":true}',
    ),
    "joined from now on": (
        Joined(room="news", epoch="k3", offset=44, id=3),
        '{"type":"joined","id":3,"room":"news","epoch":"k3","offset":44}',
    ),
    "joined unasked": (
        Joined(room="news", epoch="k4", offset=9, recovered=False, reason="ahead"),
        '{"type":"joined","room":"news","epoch":"k4","offset":9,"recovered":false,'
        '"reason":"ahead"}',
    ),
    "left": (Left(room="news", id=4), '{"type":"left","id":4,"room":"news"}'),
    "left unasked": (Left(room="news"), '{"type":"left","room":"news"}'),
    "publication": (
        Publication(
            room="news", offset=42, time=1795176000000, data=msgspec.Raw(b'{"a":[1.5,"\xc3\xa9"]}')
        ),
        '{"type":"publication","room":"news","offset":42,"time":1795176000000,'
        '"data":{"a":[1.5,"é"]}}',
    ),
    "ack": (Ack(id=7), '{"type":"ack","id":7}'),
    "goodbye": (
        Goodbye(code=4002, reason="heartbeat timeout", reconnect=True, delay=(0, 5000)),
        '{"type":"goodbye","code":4002,"reason":"heartbeat timeout","reconnect":true,'
        '"delay":[0,5000]}',
    ),
    "goodbye without a delay": (
        Goodbye(code=4500, reason="so", reconnect=False),
        '{"type":"goodbye","code":4500,"reason":"so","reconnect":false}',
    ),
    "error": (
        Error(code="invalid_json", detail="expected one JSON object"),
        '{"type":"error","code":"invalid_json","detail":"expected one JSON object"}',
    ),
    "error of a request": (
        Error(code="forbidden", detail="expected another room", id=7, room="news"),
        '{"type":"error","id":7,"room":"news","code":"forbidden","detail":"expected another room"}',
    ),
}


@pytest.mark.parametrize(("message", "text"), FROM_SERVER.values(), ids=FROM_SERVER)
def test_a_server_message_is_encoded(message: ServerMessage, text: str) -> None:
    assert json.loads(encode(message)) == json.loads(text)
    assert encode(message).startswith('{"type":"')


def test_an_anonymous_welcome_has_a_null_user() -> None:
    welcome, _ = FROM_SERVER["welcome"]
    anonymous = msgspec.structs.replace(welcome, user=None)
    assert json.loads(encode(anonymous))["user"] is None


@pytest.mark.parametrize("code", CloseCode)
def test_goodbye_has_a_reason_and_says_whether_to_reconnect(code: CloseCode) -> None:
    message = goodbye(code)
    assert message.reason == code.reason
    assert message.reconnect is (1000 < code < 4500)  # 1000 only answers a bye
    assert '"delay"' not in encode(message)


def test_goodbye_takes_a_reason_and_a_delay() -> None:
    message = goodbye(4700, "closed for today", (0, 5000))
    assert message == Goodbye(
        code=4700, reason="closed for today", reconnect=False, delay=(0, 5000)
    )


@pytest.mark.parametrize(
    ("epoch_ms", "text"),
    [
        (1795176000000, "2026-11-20T12:00:00.000Z"),
        (1795176000007, "2026-11-20T12:00:00.007Z"),
        (1795176000999, "2026-11-20T12:00:00.999Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_a_timestamp_has_milliseconds(epoch_ms: int, text: str) -> None:
    assert timestamp(epoch_ms) == text


# ---------------------------------------------------------------- invalid frames


@pytest.mark.parametrize("frame", VECTORS["frames"], ids=lambda frame: frame["name"])
def test_a_malformed_frame_is_refused_with_its_code(frame: dict[str, Any]) -> None:
    assert refused(assemble(frame["text"])).code.value == frame["code"]


@pytest.mark.parametrize("frame", VECTORS["frames"], ids=lambda frame: frame["name"])
def test_the_answer_to_a_malformed_frame_is_short(frame: dict[str, Any]) -> None:
    bad = refused(assemble(frame["text"]))
    assert len(encode(Error(code=bad.code.value, detail=bad.detail))) < 500


def test_the_vectors_have_eighty_distinct_frames() -> None:
    names = {frame["name"] for frame in VECTORS["frames"]}
    assert len(names) == len(VECTORS["frames"]) >= 80


def test_no_secret_is_in_what_error_reports_show_of_a_message() -> None:
    hello = '{"type":"hello","protocol":1,"auth":"eyJh","resume":{"session":"Y1qQ","token":"tB7k"}}'
    assert repr(read(hello)) == (
        "Hello(protocol=1, client='', resume=Resume(session='Y1qQ', token=…, turn=None), rooms={}, "
        "visibility='visible', auth=…)"
    )
    assert repr(read('{"type":"auth","auth":"eyJh"}')) == "Auth(auth=…)"


def test_lone_surrogates_are_no_json() -> None:
    assert refused('{"type":"bye","x":"\ud800"}').code is ErrorCode.INVALID_JSON


def test_an_error_says_what_was_expected() -> None:
    assert (
        "bye, hello, join, leave, message, ping, pong, received"
        in refused('{"type":"nope"}').detail
    )
    assert "$.sequence" in refused('{"type":"ping","sequence":"x"}').detail


@pytest.mark.parametrize("leaf", ["", "1", '"x"', "null"])
def test_32_levels_are_allowed_and_33_are_not(leaf: str) -> None:
    assert read(nested(MAX_DEPTH, leaf)) == Bye()
    assert "32 levels" in refused(nested(MAX_DEPTH + 1, leaf)).detail


def test_32_levels_of_objects_are_allowed() -> None:
    assert read('{"type":"bye","x":' + '{"a":' * 30 + "{}" + "}" * 30 + "}") == Bye()


def test_many_brackets_side_by_side_are_not_deep() -> None:
    wide = ",".join(["[]", "{}"] * 100)
    assert read(f'{{"type":"bye","x":[{wide}],"y":"{"[" * 50}"}}') == Bye()


@pytest.mark.parametrize("number", [2**53, -(2**53)])
def test_2_to_the_53_is_allowed(number: int) -> None:
    assert read(f'{{"type":"bye","x":[{{"a":{number}}}]}}') == Bye()
    assert read(f'{{"type":"ping","sequence":1,"client_time":{number}}}')


def test_digits_in_a_string_are_no_number() -> None:
    assert read('{"type":"bye","x":"99999999999999999999"}') == Bye()


@pytest.mark.parametrize(("character", "size"), [("x", 1), ("é", 2), ("€", 3), ("😀", 4)], ids=str)
def test_the_size_is_measured_in_bytes(character: str, size: int) -> None:
    text = f'{{"type":"bye","x":"{character * 50}"}}'
    exact = len('{"type":"bye","x":""}') + 50 * size
    assert read(text, max_size=exact) == Bye()
    assert f"at most {exact - 1} bytes" in refused(text, max_size=exact - 1).detail


def test_strings_have_the_lengths_of_the_vectors() -> None:
    resume = Resume("é" * 64, "t", 2**53)
    rooms: dict[str, Position | None] = {"r" * 100: Position("e" * 100, 2**53)}
    for hello in (
        Hello(protocol=1, client="é" * 100, resume=resume, rooms=rooms),
        Hello(protocol=1, resume=Resume("s", "t" * 64, 0), rooms={"r": Position("", 0)}),
    ):
        text = json.dumps({"type": "hello", **msgspec.to_builtins(hello)})
        assert read(text) == hello
    said = RoomMessage(id=-(2**53), room="", data=0, key="k" * 64)
    assert read(json.dumps({"type": "message", **msgspec.to_builtins(said)})) == said
    pong = ClientPong(2**53, "t" * 100, -(2**53), 2**53, 2**53)
    assert read(json.dumps({"type": "pong", **msgspec.to_builtins(pong)})) == pong


SAID = '{"type":"message","id":7,"room":"news","key":"b1","data":%s}'


@pytest.mark.parametrize(
    "data",
    [
        '"123456"', '"é234"', r'"\u00e9\u00e9\u00e9"', "[1,2,3]", "[  1 ,\n 2,\t3]",
        r'"\u0031\u0032\u0033\u0034\u0035\u0036"', "[[[[]]]]", '"\\n\\n\\n"', '{"a":10}',
    ],
)  # fmt: skip
def test_data_is_measured_in_its_shortest_form(data: str) -> None:
    size = len(json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":")).encode())
    said = decode(SAID % data, max_size=MAX_SIZE, max_data=size)
    assert said == RoomMessage(id=7, room="news", data=json.loads(data), key="b1")
    with pytest.raises(TooMuchData) as caught:
        decode(SAID % data, max_size=MAX_SIZE, max_data=size - 1)
    assert (caught.value.id, caught.value.room) == (7, "news")
    assert f"at most {size - 1} bytes" in caught.value.detail


@pytest.mark.parametrize(
    "data", ["1e300", "-1E-7", "[0.1,1.5e3]", "1e-400", '"1e400"', '{"2e":[5e-324,123456789.123]}']
)
def test_numbers_with_an_exponent_are_decoded(data: str) -> None:
    assert read(SAID % data) == RoomMessage(id=7, room="news", data=json.loads(data), key="b1")


@pytest.mark.parametrize("data", ["1e400", "[0.5,-1e400]", '{"a":[1E309]}', "1" * 310 + ".5"])
def test_a_number_out_of_range_is_refused(data: str) -> None:
    bad = refused(SAID % data)
    assert (bad.code, bad.detail) == (ErrorCode.INVALID_MESSAGE, OUT_OF_RANGE)


def test_data_that_is_far_too_large_is_not_decoded() -> None:
    huge = SAID.replace("news", "n" * 101) % ("[" + "[]," * 1000 + "1e999]")
    with pytest.raises(TooMuchData) as caught:
        decode(huge, max_size=MAX_SIZE, max_data=1000)
    assert caught.value.room is None
    assert not isinstance(refused(huge), TooMuchData)  # a number out of range


@pytest.mark.parametrize(
    ("rooms", "allowed"), [(MAX_HELLO_ROOMS, True), (MAX_HELLO_ROOMS + 1, False)]
)
def test_a_hello_has_a_bounded_number_of_rooms(rooms: int, allowed: bool) -> None:
    named: dict[str, Position | None] = {str(number): None for number in range(rooms)}
    text = json.dumps({"type": "hello", "protocol": 1, "rooms": named})
    if allowed:
        assert read(text) == Hello(protocol=1, rooms=named)
    else:
        assert "length <= 1000" in refused(text).detail


def test_the_size_is_checked_before_decoding() -> None:
    assert refused("no JSON", max_size=3).code is ErrorCode.INVALID_MESSAGE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.text(st.characters()) | JSON.map(json.dumps))
def test_any_text_is_decoded_or_raises_bad_frame(text: str) -> None:
    assert refused(text).code in (ErrorCode.INVALID_JSON, ErrorCode.INVALID_MESSAGE)


FIELDS = (
    *("protocol", "sequence", "state", "resume", "client_time", "x"),
    *("rooms", "count", "id", "room", "position", "data", "key"),
)


@given(
    st.sampled_from([*TYPES, "nope"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
)
def test_any_fields_are_decoded_or_raise_bad_frame(kind: str, fields: dict[str, Any]) -> None:
    with suppress(BadFrame):
        assert isinstance(read(json.dumps({"type": kind, **fields})), ClientMessage)
