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

from realtime.protocol.base import MAX_HELLO_ROOMS
from realtime.protocol.codes import CloseCode, ErrorCode
from realtime.protocol.decoding import TYPES, BadFrame, TooMuchData, decode
from realtime.protocol.json_limits import MAX_DEPTH, OUT_OF_RANGE
from realtime.protocol.messages import (
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
from realtime.protocol.position import Position, Rewind, RoomStart
from realtime.protocol.presence_messages import ListedUser, PresenceFrame, WatchPresence
from realtime.protocol.request_messages import Cancel, ClientRequest, Reply, ReplyReceived
from realtime.protocol.room_messages import (
    MAX_ITEMS,
    Acks,
    ItemResult,
    MessageItem,
    RoomMessages,
)

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
        Hello(protocol=1, rooms={"chat:lobby": RoomStart("k3", 41), "news": None}),
    ),
    "hello with rewinds": (
        '{"type":"hello","protocol":1,'
        '"rooms":{"a":{"rewind":1},"b":{"rewind":1000,"epoch":null},"c":{"rewind":50,"more":1}}}',
        Hello(
            protocol=1,
            rooms={
                "a": RoomStart(rewind=1),
                "b": RoomStart(rewind=1000),
                "c": RoomStart(rewind=50),
            },
        ),
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
    "join with a rewind": (
        '{"type":"join","id":3,"room":"news","rewind":50}',
        Join(id=3, room="news", rewind=50),
    ),
    "join with a rewind and no position": (
        '{"type":"join","id":3,"room":"news","position":null,"rewind":1000}',
        Join(id=3, room="news", rewind=1000),
    ),
    # Invalid names of rooms are answered with the id, so the decoder accepts them.
    "join of no room": ('{"type":"join","id":-1,"room":"no room"}', Join(id=-1, room="no room")),
    "leave": ('{"type":"leave","id":4,"room":"news"}', Leave(id=4, room="news")),
    "presence": (
        '{"type":"presence","id":5,"room":"news"}',
        WatchPresence(id=5, room="news"),
    ),
    "message": (
        '{"type":"message","id":7,"room":"news","data":{"a":[1.5,null]},"key":"b1"}',
        RoomMessage(id=7, room="news", data={"a": [1.5, None]}, key="b1"),
    ),
    "message of nothing": (
        '{"type":"message","id":7,"room":"news","data":null,"key":"b1"}',
        RoomMessage(id=7, room="news", data=None, key="b1"),
    ),
    "messages": (
        '{"type":"messages","id":9,"room":"news","items":[{"data":{"a":[1.5]},"key":"b1"},'
        '{"data":null,"key":"b2"}]}',
        RoomMessages(9, "news", (MessageItem({"a": [1.5]}, "b1"), MessageItem(None, "b2"))),
    ),
    "request": (
        '{"type":"request","id":1000001,"name":"orders.price","data":{"a":[1.5,1e3]}}',
        ClientRequest(id=1000001, name="orders.price", data={"a": [1.5, 1000.0]}),
    ),
    "request without data": (
        '{"type":"request","id":-1,"name":"é"}',
        ClientRequest(id=-1, name="é"),
    ),
    "cancel": ('{"type":"cancel","id":7}', Cancel(id=7)),
    "reply_received": (
        '{"type":"reply_received","id":7,"count":16}',
        ReplyReceived(id=7, count=16),
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


def test_a_client_begins_after_a_position_with_a_rewind_or_from_now_on() -> None:
    hello = read(
        '{"type":"hello","protocol":1,'
        '"rooms":{"a":{"epoch":"k3","offset":41},"b":{"rewind":50},"c":null}}'
    )
    assert isinstance(hello, Hello)
    assert hello.starts == {"a": Position("k3", 41), "b": Rewind(50), "c": None}
    starts = [
        Join(1, "a", position=Position("k3", 41)).start,
        Join(1, "b", rewind=50).start,
        Join(1, "c").start,
    ]
    assert starts == list(hello.starts.values())


def test_the_refusal_of_a_start_says_what_was_expected() -> None:
    both = '"position":{"epoch":"k3","offset":41},"rewind":50'
    joins = refused(f'{{"type":"join","id":3,"room":"news",{both}}}')
    assert joins.detail == "expected a position or rewind, not both"
    hello = refused('{"type":"hello","protocol":1,"rooms":{"news":{}}}')
    assert hello.detail.startswith("expected an object with epoch and offset, or with rewind")


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
            message_rate=100,
            server_time=1795176000000,
            rooms={
                "user:17": JoinResult("a1", 7),
                "chat:lobby": JoinResult("k3", 44, recovered=True),
                "news": JoinResult("k4", 9, recovered=False, reason="epoch_changed"),
                "chat:1": JoinResult("k5", 60, after=10),
            },
        ),
        '{"type":"welcome","protocol":1,"session":"abc","token":"def","resumed":false,'
        '"user":"17","ping_interval":25000,"pong_timeout":10000,"max_missed":3,'
        '"resume_window":120000,"window":256,"window_bytes":65536,"max_message_size":1000000,"max_publication":65536,"message_rate":100,'
        '"server_time":1795176000000,"rooms":{"user:17":{"epoch":"a1","offset":7},'
        '"chat:lobby":{"epoch":"k3","offset":44,"recovered":true},'
        '"news":{"epoch":"k4","offset":9,"recovered":false,"reason":"epoch_changed"},'
        '"chat:1":{"epoch":"k5","offset":60,"after":10}}}',
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
    "joined with a rewind": (
        Joined(room="news", epoch="k3", offset=0, after=0, id=3),
        '{"type":"joined","id":3,"room":"news","epoch":"k3","offset":0,"after":0}',
    ),
    "joined unasked": (
        Joined(room="news", epoch="k4", offset=9, recovered=False, reason="ahead"),
        '{"type":"joined","room":"news","epoch":"k4","offset":9,"recovered":false,'
        '"reason":"ahead"}',
    ),
    "left": (Left(room="news", id=4), '{"type":"left","id":4,"room":"news"}'),
    "left unasked": (Left(room="news"), '{"type":"left","room":"news"}'),
    "presence": (
        PresenceFrame("news", 3, 2, (ListedUser("7", msgspec.Raw(b'{"name":"\xc3\xa9"}')),), id=5),
        '{"type":"presence","id":5,"room":"news","sessions":3,"users":2,'
        '"list":[{"user":"7","data":{"name":"é"}}]}',
    ),
    "presence of an empty room": (
        PresenceFrame("news", 0, 0, (), id=5),
        '{"type":"presence","id":5,"room":"news","sessions":0,"users":0,"list":[]}',
    ),
    "presence of many": (
        PresenceFrame("news", 900, 201, id=5),
        '{"type":"presence","id":5,"room":"news","sessions":900,"users":201}',
    ),
    "presence changed": (
        PresenceFrame("news", 3, 2, joined=(ListedUser("7", msgspec.Raw(b"{}")),), left=("8", "9")),
        '{"type":"presence","room":"news","sessions":3,"users":2,'
        '"joined":[{"user":"7","data":{}}],"left":["8","9"]}',
    ),
    "presence of too many": (
        PresenceFrame("news", 201, 201, None, joined=(), left=()),
        '{"type":"presence","room":"news","sessions":201,"users":201,"list":null,'
        '"joined":[],"left":[]}',
    ),
    "publication": (
        Publication(
            room="news", offset=42, time=1795176000000, data=msgspec.Raw(b'{"a":[1.5,"\xc3\xa9"]}')
        ),
        '{"type":"publication","room":"news","offset":42,"time":1795176000000,'
        '"data":{"a":[1.5,"é"]}}',
    ),
    "publication of a rewind": (
        Publication(room="news", offset=42, time=1, data=msgspec.Raw(b"null"), replayed=True),
        '{"type":"publication","room":"news","offset":42,"time":1,"data":null,"replayed":true}',
    ),
    "ack": (
        Ack(id=7, position=Position("k3", 45)),
        '{"type":"ack","id":7,"position":{"epoch":"k3","offset":45}}',
    ),
    "ack without a publication": (Ack(id=7), '{"type":"ack","id":7}'),
    "acks": (
        Acks(
            id=9,
            items=(
                ItemResult(epoch="k3", offset=0),
                ItemResult(),
                ItemResult(code="forbidden", detail="expected another room"),
            ),
        ),
        '{"type":"acks","id":9,"items":[{"epoch":"k3","offset":0},{},'
        '{"code":"forbidden","detail":"expected another room"}]}',
    ),
    "reply": (
        Reply(id=7, done=True, data=msgspec.Raw(b'{"a":[1.5,"\xc3\xa9"]}')),
        '{"type":"reply","id":7,"done":true,"data":{"a":[1.5,"é"]}}',
    ),
    "reply of nothing": (
        Reply(id=7, done=True, data=msgspec.Raw(b"null")),
        '{"type":"reply","id":7,"done":true,"data":null}',
    ),
    "end of a stream": (Reply(id=7, done=True), '{"type":"reply","id":7,"done":true}'),
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
        "bye, cancel, hello, join, leave, message, messages, ping, pong, presence, received, "
        "reply_received, request" in refused('{"type":"nope"}').detail
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
    rooms: dict[str, RoomStart | None] = {"r" * 100: RoomStart("e" * 100, 2**53)}
    for hello in (
        Hello(protocol=1, client="é" * 100, resume=resume, rooms=rooms),
        Hello(protocol=1, resume=Resume("s", "t" * 64, 0), rooms={"r": RoomStart("", 0)}),
    ):
        text = json.dumps({"type": "hello", **msgspec.to_builtins(hello)})
        assert read(text) == hello
    said = RoomMessage(id=-(2**53), room="", data=0, key="k" * 64)
    assert read(json.dumps({"type": "message", **msgspec.to_builtins(said)})) == said
    several = RoomMessages(2**53, "", (MessageItem(0, "k" * 64),) * MAX_ITEMS)
    assert read(json.dumps({"type": "messages", **msgspec.to_builtins(several)})) == several
    asked = ClientRequest(id=2**53, name="é" * 100, data=0)
    assert read(json.dumps({"type": "request", **msgspec.to_builtins(asked)})) == asked
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


def test_the_data_of_each_of_several_messages_is_measured() -> None:
    text = (
        '{"type":"messages","id":7,"room":"news","items":[{"key":"a","data":"%s"},'
        '{"key":"b","data":"%s"}]}'
    )
    both = RoomMessages(7, "news", (MessageItem("1234", "a"), MessageItem("1", "b")))
    assert decode(text % ("1234", "1"), max_size=MAX_SIZE, max_data=6) == both
    for data in (("12345", "1"), ("1", "12345")):
        with pytest.raises(TooMuchData) as caught:
            decode(text % data, max_size=MAX_SIZE, max_data=6)
        assert (caught.value.id, caught.value.room) == (7, "news")


@pytest.mark.parametrize(
    "data", ["1e300", "-1E-7", "[0.1,1.5e3]", "1e-400", '"1e400"', '{"2e":[5e-324,123456789.123]}']
)
def test_numbers_with_an_exponent_are_decoded(data: str) -> None:
    assert read(SAID % data) == RoomMessage(id=7, room="news", data=json.loads(data), key="b1")


@pytest.mark.parametrize("data", ["1e400", "[0.5,-1e400]", '{"a":[1E309]}', "1" * 310 + ".5"])
def test_a_number_out_of_range_is_refused(data: str) -> None:
    bad = refused(SAID % data)
    assert (bad.code, bad.detail) == (ErrorCode.INVALID_MESSAGE, OUT_OF_RANGE)


def test_an_error_about_data_has_the_id_of_its_message() -> None:
    asked = '{"type":"request","id":7,"name":"price","data":%s}'
    for frame in (SAID, asked):
        for data in ("1e400", "[" * 32 + "]" * 32, "9007199254740993"):
            assert refused(frame % data).id == 7
    assert refused('{"type":"ping","sequence":1,"x":9007199254740993}').id is None
    with pytest.raises(TooMuchData) as caught:
        decode(asked % '"123456"', max_size=MAX_SIZE, max_data=7)
    assert (caught.value.id, caught.value.room) == (7, None)


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
    named: dict[str, RoomStart | None] = {str(number): None for number in range(rooms)}
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
    *("rooms", "count", "id", "room", "position", "data", "key", "items"),
)


@given(
    st.sampled_from([*TYPES, "nope"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
)
def test_any_fields_are_decoded_or_raise_bad_frame(kind: str, fields: dict[str, Any]) -> None:
    with suppress(BadFrame):
        assert isinstance(read(json.dumps({"type": kind, **fields})), ClientMessage)
