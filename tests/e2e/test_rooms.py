"""Rooms over the wire, on both servers and both stores: publications arrive once and in
order, or the client gets a notice."""

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from .room_server import RoomServer, serve_rooms, unique_room
from .support import Client, Frame, dialled, login, pong, silent

MISCOUNT = 4007
LENGTH = 400  # publications that a log keeps
# Of docs/protocol.md: publications and bytes on their way to a client, and publications that a
# rewind leaves out of a log that drops its oldest.
WINDOW, WINDOW_BYTES, LEFT_OUT = 256, 65_536, 16
MOST_ROOMS, LARGEST = 5, 1000

# A line is a room and JSON texts, which are appended without a hint to the workers, as if it had
# been lost.
APPEND = """
import json, sys
from realtime.composition import blocking_store
from realtime.store.log import PublishRequest
log = blocking_store().log
for line in sys.stdin:
    room, texts = json.loads(line)
    log.append([PublishRequest(room, text) for text in texts])
    print("appended", flush=True)
"""

ids = itertools.count(1)


@pytest.fixture(scope="module", params=["daphne, database", "uvicorn, redis"])
def room_server(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RoomServer]:
    kind, store = request.param.split(", ")
    with serve_rooms(
        template,
        tmp_path_factory.mktemp("rooms"),
        kind,
        redis=request.getfixturevalue("redis_server") if store == "redis" else None,
        script=APPEND,
        ping_interval=1.0,
        log_length=LENGTH,
        max_rooms=MOST_ROOMS,
        max_publication=LARGEST,
        message_rate="1000,1000",
    ) as served:
        yield served


@pytest.fixture(scope="module")
def bob_cookie(room_server: RoomServer) -> str:
    """The Cookie header of a second user."""
    return login(room_server.server, "bob")


@pytest.fixture
def room() -> str:
    return unique_room()


async def append(room_server: RoomServer, room: str, data: Iterable[Any]) -> None:
    """Append to the log in another process; the workers get no hint."""
    texts = [json.dumps(each) for each in data]
    assert await room_server.publisher.request(json.dumps([room, texts])) == "appended"


async def ask(client: Client, kind: str, room: str, **fields: Any) -> Frame:
    """Send a request; its answer."""
    id_ = next(ids)
    await client.send(type=kind, id=id_, room=room, **fields)
    return await answered(client, id_)


async def answered(client: Client, id_: int) -> Frame:
    def found() -> list[Frame]:
        return [frame for frame in client.frames if frame.get("id") == id_]

    await client.until(lambda: bool(found()), within=10, what=("the answer to", id_))
    (answer,) = found()
    return answer


async def say(client: Client, room: str, *data: Any) -> None:
    """Publish these, one after the other; each is acknowledged."""
    for each in data:
        answer = await ask(client, "message", room, data=each, key=uuid4().hex)
        assert answer["type"] == "ack", answer


async def heard(client: Client, count: int) -> list[Any]:
    """The data of the first ``count`` publications; their offsets have no holes."""
    await client.frame("publication", number=count)
    frames = client.of("publication")
    for one, next_ in itertools.pairwise(frames):
        assert next_["offset"] == one["offset"] + 1
    return [frame["data"] for frame in frames]


def position(entry: Frame) -> Frame:
    """Where a client is by a ``joined``, an entry of ``welcome`` or a publication."""
    return {"epoch": entry["epoch"], "offset": entry["offset"]}


# ---------------------------------------------------------------- joining, publishing, leaving


async def test_what_a_client_says_reaches_everybody_in_the_room(
    room_server: RoomServer, room: str, bob_cookie: str
) -> None:
    async with (
        room_server.client() as one,
        room_server.client({room: None}, cookie=bob_cookie) as other,
    ):
        joined = await ask(one, "join", room)
        entry = other.welcome["rooms"][room]
        assert joined == {"type": "joined", "room": room, "id": joined["id"], **entry}
        assert entry == {"epoch": entry["epoch"], "offset": 0}
        await say(one, room, {"a": [1.5, "é", None]}, 2, None)
        for client in (one, other):
            assert await heard(client, 3) == [{"a": [1.5, "é", None]}, 2, None]
            first = client.of("publication")[0]
            assert (first["room"], first["offset"]) == (room, 1)
            assert abs(first["time"] - client.welcome["server_time"]) < 60_000


async def test_who_has_left_hears_nothing_more(room_server: RoomServer, room: str) -> None:
    async with room_server.client({room: None}) as one, room_server.client({room: None}) as other:
        await say(one, room, 1)
        await heard(other, 1)
        left = await ask(other, "leave", room)
        assert left == {"type": "left", "room": room, "id": left["id"]}
        await say(one, room, 2)
        assert await heard(one, 2) == [1, 2]
        refused = await ask(other, "message", room, data=3, key="k")
        assert refused["code"] == "not_joined"
        await ask(other, "join", room)
        await say(one, room, 4)
        await other.frame("publication", number=2)
        assert [frame["data"] for frame in other.of("publication")] == [1, 4]


async def test_the_same_key_is_published_once(
    room_server: RoomServer, room: str, bob_cookie: str
) -> None:
    async with room_server.client({room: None}) as one:
        for _ in range(2):
            assert (await ask(one, "message", room, data="once", key="k1"))["type"] == "ack"
    async with room_server.client({room: None}) as again:  # another session of the same user
        assert again.welcome["rooms"][room]["offset"] == 1
        await ask(again, "message", room, data="once", key="k1")
        async with room_server.client({room: None}, cookie=bob_cookie) as other:
            await ask(other, "message", room, data="another's", key="k1")
            assert await heard(other, 1) == ["another's"]
        assert await heard(again, 1) == ["another's"]


async def send_items(client: Client, room: str, **items: Any) -> list[Frame]:
    """Publish several messages, by their keys, in one frame; the results."""
    listed = [{"data": data, "key": key} for key, data in items.items()]
    answer = await ask(client, "messages", room, items=listed)
    assert answer["type"] == "acks", answer
    results: list[Frame] = answer["items"]
    return results


async def test_messages_of_one_frame_keep_their_order(room_server: RoomServer, room: str) -> None:
    """Even if some are refused, for good or for now, and sent again."""
    async with room_server.client({room: None}) as client:
        results = await send_items(client, room, k1=1, k2="refuse", k3="wait", k4="fail", k5=5)
        codes = [result.get("code") for result in results]
        assert codes == [None, "forbidden", None, "unavailable", "unavailable"]
        results = await send_items(client, room, k1=1, k3="wait", k5=5, k6=6)
        assert [result["offset"] for result in results] == [1, 2, 3, 4]
        assert await heard(client, 4) == [1, "wait", 5, 6]


# ---------------------------------------------------------------- coming back


async def test_who_comes_back_gets_what_was_missed_after_welcome(
    room_server: RoomServer, room: str
) -> None:
    async with room_server.client({room: None}) as one:
        async with room_server.client({room: None}) as lost:
            await say(one, room, 1)
            await heard(lost, 1)
            await lost.lose()
        await say(one, room, 2, 3, 4)
        at = {**position(lost.welcome["rooms"][room]), "offset": 1}
        async with room_server.client({room: at}, resume=lost.ticket) as back:
            assert back.welcome["resumed"]
            entry = back.welcome["rooms"][room]
            assert entry == {"epoch": at["epoch"], "offset": 4, "recovered": True}
            await say(one, room, 5)
            assert await heard(back, 4) == [2, 3, 4, 5]
            # To join again is to come back as well.
            joined = await ask(back, "join", room, position={**at, "offset": 3})
            assert (joined["offset"], joined["recovered"]) == (5, True)
            await back.frame("publication", number=6)
            assert [frame["data"] for frame in back.of("publication")] == [2, 3, 4, 5, 4, 5]


async def test_what_cannot_be_made_up_for_is_told_and_nothing_of_it_comes(
    room_server: RoomServer, room: str
) -> None:
    await append(room_server, room, range(1, LENGTH + 101))
    async with room_server.client({room: None}) as one:
        top = position(one.welcome["rooms"][room])
        assert top["offset"] == LENGTH + 100
        wrong = {
            "expired": {**top, "offset": 99},
            "ahead": {**top, "offset": top["offset"] + 1},
            "epoch_changed": {**top, "epoch": "another"},
        }
        for number, (reason, at) in enumerate(wrong.items(), 1):
            told = {**top, "recovered": False, "reason": reason}
            async with room_server.client({room: at}) as client, room_server.client() as late:
                assert client.welcome["rooms"][room] == told
                joined = await ask(late, "join", room, position=at)
                assert told.items() <= joined.items()
                await say(one, room, reason)
                for each in (client, late):
                    assert await heard(each, 1) == [reason]
                    assert each.of("publication")[0]["offset"] == top["offset"] + 1
            top = {**top, "offset": LENGTH + 100 + number}
            wrong["ahead"]["offset"] = top["offset"] + 1


async def test_a_rewind_brings_the_last_publications_and_then_what_is_new(
    room_server: RoomServer, room: str
) -> None:
    """Also one of more publications than a window has, or than the log keeps."""
    await append(room_server, room, range(1, LENGTH + 101))
    async with (
        room_server.client({room: None}) as one,
        room_server.client({room: {"rewind": WINDOW + 1}}) as greeted,
        room_server.client() as late,
    ):
        entry = greeted.welcome["rooms"][room]
        newest, reach = LENGTH + 100, LENGTH - LEFT_OUT
        after = newest - WINDOW - 1
        assert entry == {"epoch": entry["epoch"], "offset": newest, "after": after}
        joined = await ask(late, "join", room, rewind=1000)
        told = {**entry, "after": newest - reach}
        assert joined == {"type": "joined", "room": room, "id": joined["id"], **told}
        assert await heard(late, reach) == list(range(newest - reach + 1, newest + 1))
        assert await heard(greeted, WINDOW + 1) == list(range(after + 1, newest + 1))
        await say(one, room, "new")
        for client, count in ((late, reach), (greeted, WINDOW + 1)):
            assert (await heard(client, count + 1))[-1] == "new"
            marks = [frame.get("replayed") for frame in client.of("publication")]
            assert marks == [True] * count + [None]


async def test_a_publication_without_a_hint_comes_with_the_next_beat(
    room_server: RoomServer, room: str
) -> None:
    async with room_server.client({room: None}) as one:
        await append(room_server, room, ["unheard"])
        assert await heard(one, 1) == ["unheard"]


# ---------------------------------------------------------------- the private room


async def test_the_room_of_a_user_is_the_server_s(
    room_server: RoomServer, room: str, bob_cookie: str
) -> None:
    async with room_server.client() as ann, room_server.client(cookie=bob_cookie) as bob:
        own = f"user:{ann.welcome['user']}"
        assert list(ann.welcome["rooms"]) == [own]
        async with room_server.client({own: None, room: None}, cookie=bob_cookie) as curious:
            error = await curious.frame("error")
            assert (error["room"], error["code"], "id" in error) == (own, "forbidden", False)
            assert list(curious.welcome["rooms"]) == [f"user:{bob.welcome['user']}", room]
            for kind in ("join", "leave", "message"):
                refused = await ask(curious, kind, own, **DETAILS.get(kind, {}))
                assert (refused["code"], refused["room"]) == ("forbidden", own)
        for kind in ("leave", "message"):
            assert (await ask(ann, kind, own, **DETAILS.get(kind, {})))["code"] == "forbidden"
        await append(room_server, own, ["for ann"])
        assert await heard(ann, 1) == ["for ann"]
        at = position(ann.welcome["rooms"][own])
        async with room_server.client({own: at}) as back:
            assert back.welcome["rooms"][own] == {**at, "offset": 1, "recovered": True}
            assert await heard(back, 1) == ["for ann"]
        assert bob.of("publication") == []


DETAILS: dict[str, dict[str, Any]] = {"message": {"data": 1, "key": "k"}}


# ---------------------------------------------------------------- flow


async def test_who_does_not_answer_gets_one_window_then_the_rest(
    room_server: RoomServer, room: str
) -> None:
    async with room_server.client({room: None}) as one:
        start = position(one.welcome["rooms"][room])
        await append(room_server, room, range(WINDOW + 20))
        await heard(one, WINDOW + 20)
        async with room_server.client({room: start}, answer=silent) as slow:
            await heard(slow, WINDOW)
            ping = await slow.frame("ping")  # at once, and out of turn
            assert ping["delivered"] == WINDOW
            await say(one, room, "live")
            await heard(one, WINDOW + 21)  # the slow one delays no other
            assert len(slow.of("publication")) == WINDOW
            await slow.send(**pong(ping))
            assert await heard(slow, WINDOW + 21) == [*range(WINDOW + 20), "live"]


async def test_the_window_is_one_of_bytes_as_well(room_server: RoomServer, room: str) -> None:
    async with room_server.client({room: None}) as one:
        start = position(one.welcome["rooms"][room])
        await append(room_server, room, ["x" * 900] * 100)
        await heard(one, 100)
        async with room_server.client({room: start}, answer=silent) as slow:
            ping = await slow.frame("ping")
            assert WINDOW_BYTES // 1100 < ping["delivered"] < WINDOW_BYTES // 900
            assert len(slow.of("publication")) == ping["delivered"]
            await slow.send(type="received", count=ping["delivered"] // 2)
            await heard(slow, ping["delivered"] + ping["delivered"] // 2)


async def test_a_count_that_cannot_be_is_4007_and_a_reason_to_resume(
    room_server: RoomServer, room: str
) -> None:
    def wrong(ping: Frame) -> Frame:
        return {**pong(ping), "received": ping["delivered"] + 1}

    async with room_server.client(answer=wrong) as client:
        code, reason = await client.closed()
        assert (code, reason) == (MISCOUNT, "delivery count does not match")
        assert client.of("goodbye")[0]["reconnect"] is True
    async with room_server.client({room: None}, resume=client.ticket) as back:
        assert back.welcome["resumed"]
        await say(back, room, 1, 2)
        await back.send(type="received", count=2)
        await back.send(type="received", count=1)
        assert (await back.closed())[0] == MISCOUNT
    async with room_server.client() as third:
        await third.send(type="pong", sequence=99, received=99)  # invalid, and ignored
        await third.frame("ping")
        await third.send(type="received", count=1)
        assert (await third.closed())[0] == MISCOUNT


# ---------------------------------------------------------------- errors


async def test_a_request_that_cannot_be_served_gets_its_error(
    room_server: RoomServer, room: str
) -> None:
    async with room_server.client({room: None}) as client:
        for _ in range(12):  # they were read: they are not malformed
            error = await ask(client, "join", "no room")
            assert (error["code"], "1 to 100" in error["detail"]) == ("invalid_message", True)
        large = await ask(client, "message", room, data="x" * LARGEST, key="k2")
        assert (large["code"], f"{LARGEST} bytes" in large["detail"]) == ("invalid_message", True)
        assert (await ask(client, "message", room, data=1, key="\0"))["code"] == "invalid_message"
        assert (await ask(client, "join", "secret"))["code"] == "forbidden"
        assert (await ask(client, "message", room, data="refuse", key="k3")) == {
            "type": "error",
            "id": client.frames[-1]["id"],
            "room": room,
            "code": "forbidden",
            "detail": "expected something nicer",
        }
        for number in range(MOST_ROOMS - 1):
            assert (await ask(client, "join", f"{room}:{number}"))["type"] == "joined"
        assert (await ask(client, "join", f"{room}:more"))["code"] == "too_many_rooms"
        assert (await ask(client, "join", room))["type"] == "joined"  # it is in already
        await ask(client, "join", "news:1")
        assert (await ask(client, "leave", f"{room}:0"))["type"] == "left"
        await ask(client, "join", "news:1")
        refused = await ask(client, "message", "news:1", data=1, key="k4")
        assert refused["code"] == "forbidden"  # to join is not to publish


async def test_a_handler_that_fails_harms_no_client(room_server: RoomServer, room: str) -> None:
    async with room_server.client({room: None}) as client:
        assert (await ask(client, "join", "chat:broken"))["code"] == "unavailable"
        failed = await ask(client, "message", room, data="fail", key="k5")
        assert failed["code"] == "unavailable"
        await say(client, room, "goes on")
        assert await heard(client, 1) == ["goes on"]
    async with dialled(room_server.server, room_server.cookie) as refused:
        await refused.send(type="hello", protocol=1, rooms={"chat:broken": None})
        assert (await refused.closed())[0] == 4009


async def test_what_hello_asks_for_in_vain_is_told_after_welcome(
    room_server: RoomServer, room: str
) -> None:
    names = ["no room", "secret", *(f"{room}:{number}" for number in range(MOST_ROOMS + 1))]
    async with room_server.client(dict.fromkeys(names)) as client:
        await client.frame("error", number=3)
        assert client.frames[0]["type"] == "welcome"
        told = [(error["room"], error["code"]) for error in client.of("error")]
        assert told == [
            ("no room", "invalid_message"),
            ("secret", "forbidden"),
            (f"{room}:{MOST_ROOMS}", "too_many_rooms"),
        ]
        assert len(client.welcome["rooms"]) == 1 + MOST_ROOMS


async def test_requests_are_served_in_order_and_too_many_are_told_so(
    room_server: RoomServer, room: str
) -> None:
    async with room_server.client({room: None}) as client:
        await client.send(type="message", id=0, room=room, data="wait", key="k")
        for number in range(1, 41):
            await client.send(type="message", id=number, room=room, data=number, key=f"k{number}")
        await client.until(
            lambda: len(client.of("ack")) + len(client.of("error")) == 41, within=10, what="answers"
        )
        acks = [frame["id"] for frame in client.of("ack")]
        errors = {frame["id"]: frame["code"] for frame in client.of("error")}
        assert acks == sorted(acks)
        assert sorted([*acks, *errors]) == list(range(41))
        assert set(errors.values()) == {"rate_limited"}
        assert await heard(client, len(acks)) == ["wait", *acks[1:]]
