"""Rooms and their handles, over connections that come and go."""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus

import pytest

from realtime.client import Behind, Position, RealtimeClient, Resync, RoomHandle, RoomLost
from realtime.client.inbox import MAX_UNREAD
from tests.polling import eventually_in_loop

from .scripted_server import AT_ONCE, WELCOME, Peer, ScriptedServer, welcomed


async def test_a_message_has_data_offset_time_and_position(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        join = await peer.join(offset=41)
        assert join == {"type": "join", "id": join["id"], "room": "chat:lobby"}
        await room.joined()
        assert room.position == Position("k3", 41)
        await peer.publish("chat:lobby", 42, data={"text": "good morning"})
        message = await anext(room)
        assert message.data == {"text": "good morning"}
        assert (message.offset, message.position) == (42, Position("k3", 42))
        assert message.time == datetime.fromtimestamp(1_795_176_000, UTC)
        assert message.replayed is False
        assert room.position == message.position


async def test_since_and_rewind_are_on_the_wire(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby", since="k3:41")
        assert room.position == Position("k3", 41)
        join = await peer.join(offset=42, recovered=True)
        assert join["position"] == {"epoch": "k3", "offset": 41}
        await peer.publish("chat:lobby", 42)
        assert (await anext(room)).replayed is False
        news = client.room("news", rewind=2)
        assert (await peer.join(offset=9, after=7))["rewind"] == 2
        await peer.publish("news", 8, 9, 10)
        assert [(await anext(news)).replayed for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "since", "rewind"),
    [
        ("", None, 0),
        ("chat lobby", None, 0),
        ("chat:lobby", "k3:41", 5),
        ("chat:lobby", "", 5),
        ("chat:lobby", "last", 0),
        ("chat:lobby", "k3:-1", 0),
        ("chat:lobby", None, -1),
        ("chat:lobby", None, 1001),
    ],
)
async def test_other_arguments_are_refused(
    server: ScriptedServer, name: str, since: str | None, rewind: int
) -> None:
    async with welcomed(server) as (client, _):
        with pytest.raises(ValueError, match="expected"):
            client.room(name, since, rewind)


async def test_a_gap_is_raised_where_it_is_and_reading_goes_on(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby", since=Position("k3", 2))
        await peer.join(offset=41, recovered=False, reason="expired")
        await peer.publish("chat:lobby", 42)
        with pytest.raises(Resync) as caught:
            await anext(room)
        assert (caught.value.reason, caught.value.initial) == ("expired", True)
        assert caught.value.position == room.position == Position("k3", 41)
        assert (await anext(room)).offset == 42


async def test_an_empty_position_is_unknown(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby", since="")
        assert "position" not in await peer.join(offset=41)
        with pytest.raises(Resync) as caught:
            await anext(room)
        assert (caught.value.reason, caught.value.initial) == ("unknown", True)


async def read_one(client: RealtimeClient, peer: Peer, name: str, *, after: int) -> RoomHandle:
    """A handle of a room that ended after this offset when it was joined, and has one more now."""
    room = client.room(name)
    await peer.join(offset=after)
    await peer.publish(name, after + 1)
    assert (await anext(room)).offset == after + 1
    return room


async def test_a_new_connection_goes_on_without_a_hole(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await read_one(client, peer, "chat:lobby", after=41)
        await peer.lose()
        again = await server.accept()
        entry = {"epoch": "k3", "offset": 44, "recovered": True}
        hello = await again.welcome(rooms={"chat:lobby": entry}, resumed=True)
        assert hello["rooms"] == {"chat:lobby": {"epoch": "k3", "offset": 42}}
        await again.publish("chat:lobby", 42, 43, 44)
        assert [(await anext(room)).offset for _ in range(2)] == [43, 44]
        assert await again.received() == []


async def test_the_hello_names_handles_made_while_away(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        server.status = HTTPStatus.SERVICE_UNAVAILABLE
        await peer.lose()
        await eventually_in_loop(lambda: not client.connected)
        client.room("chat:lobby")
        client.room("news", rewind=5)
        client.room("sport", since="k3:41")
        server.status = None
        hello = await (await server.accept()).welcome()
        assert hello["rooms"] == {
            "chat:lobby": None,
            "news": {"rewind": 5},
            "sport": {"epoch": "k3", "offset": 41},
        }


async def test_rooms_opened_and_closed_during_the_handshake(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        closed = client.room("chat:closed")
        await peer.join()
        await peer.lose()
        again = await server.accept()
        await again.receive("hello")
        closed.close()
        client.room("chat:opened")
        rooms = {"chat:closed": {"epoch": "k3", "offset": 0}}
        await again.send("welcome", **{**WELCOME, "rooms": rooms})
        assert (await again.receive("leave"))["room"] == "chat:closed"
        assert (await again.receive("join"))["room"] == "chat:opened"


async def test_a_room_refused_at_the_hello_has_its_reason_from_a_join(
    server: ScriptedServer,
) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        await peer.lose()
        again = await server.accept()
        await again.welcome(resumed=True)
        join = await again.receive("join")
        await again.send("error", id=join["id"], code="forbidden", detail="expected a friend")
        with pytest.raises(RoomLost, match="forbidden: expected a friend"):
            await anext(room)
        with pytest.raises(RoomLost):
            await room.joined()


async def test_a_join_that_cannot_be_served_now_is_repeated(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.client.line.RETRY", AT_ONCE)
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        for code in ("unavailable", "rate_limited"):
            join = await peer.receive("join")
            await peer.send("error", id=join["id"], code=code, detail="")
        await peer.join()
        await room.joined()


async def test_the_room_is_left_with_its_last_handle(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        first, second = client.room("chat:lobby"), client.room("chat:lobby")
        await peer.join()
        await peer.publish("chat:lobby", 1)
        assert (await anext(first)).offset == (await anext(second)).offset == 1
        first.close()
        assert [message async for message in first] == []
        await peer.publish("chat:lobby", 2)
        assert (await anext(second)).offset == 2
        assert await peer.received() == []
        second.close()
        leave = await peer.receive("leave")
        assert leave["room"] == "chat:lobby"
        third = client.room("chat:lobby")
        await peer.send("left", id=leave["id"], room="chat:lobby")
        await peer.join(offset=2)
        await third.joined()


async def test_a_handle_that_was_closed_joins_no_more(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        waiting = asyncio.create_task(room.joined())
        await asyncio.sleep(0)
        room.close()
        for joining in (waiting, room.joined()):
            with pytest.raises(RoomLost, match="left: the handle has ended"):
                await joining
        later = asyncio.create_task(client.room("chat:other").joined())
        await peer.receive("join")
    with pytest.raises(RoomLost, match="left: the handle has ended"):
        await later


async def test_the_own_room_is_never_left(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await read_one(client, peer, "user:17", after=7)
        room.close()
        assert await peer.received() == []


async def test_a_permission_that_ends_is_raised(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        await peer.publish("chat:lobby", 1)
        await peer.send("left", room="chat:lobby")
        assert (await anext(room)).offset == 1
        with pytest.raises(RoomLost, match="forbidden"):
            await anext(room)


async def test_a_reader_that_falls_behind_ends_and_can_go_on_where_it_was(
    server: ScriptedServer,
) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        await peer.publish("chat:lobby", *range(1, MAX_UNREAD + 2))
        assert (await peer.receive("leave"))["room"] == "chat:lobby"
        read = []
        with pytest.raises(Behind):
            async for message in room:
                read.append(message.offset)
        assert read == list(range(1, MAX_UNREAD + 1))
        client.room("chat:lobby", since=room.position)
        assert (await peer.receive("join"))["position"] == {"epoch": "k3", "offset": MAX_UNREAD}


async def test_the_end_of_the_block_ends_the_readers(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        await peer.publish("chat:lobby", 1)
        reading = asyncio.create_task(collect(room))
        await peer.received()
    assert await reading == [1]


async def collect(room: RoomHandle) -> list[int]:
    return [message.offset async for message in room]
