"""The users in a room, as a handle tells them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from realtime.client import Behind, Presence, PresentUser, RequestFailed, RoomHandle, RoomLost
from realtime.client.inbox import MAX_UNREAD

from .scripted_server import AT_ONCE, Frame, Peer, ScriptedServer, welcomed

ROOM = "chat:lobby"
ANN, BOB, EVE = ({"user": user, "data": {"name": user}} for user in ("ann", "bob", "eve"))
ENTRY = {"epoch": "k3", "offset": 0}
Names = tuple[list[str] | None, list[str], list[str]]


async def joined(client: Any, peer: Peer) -> RoomHandle:
    room: RoomHandle = client.room(ROOM)
    await peer.join()
    await room.joined()
    return room


async def answer(peer: Peer, *users: Frame) -> None:
    ask = await peer.receive("presence")
    counts = {"sessions": len(users), "users": len(users)}
    await peer.send("presence", id=ask["id"], room=ask["room"], **counts, list=users)


async def change(peer: Peer, **fields: Any) -> None:
    plain = {"room": ROOM, "sessions": 9, "users": 9, "joined": [], "left": []}
    await peer.send("presence", **{**plain, **fields})


def names(picture: Presence) -> Names:
    """The keys in a picture: all, those who have joined, those who have left."""
    listed = None if picture.list is None else [one.user for one in picture.list]
    return listed, [one.user for one in picture.joined], list(picture.left)


async def read(pictures: AsyncIterator[Presence], count: int) -> list[Names]:
    return [names(await anext(pictures)) for _ in range(count)]


async def test_the_first_picture_is_whole_and_the_next_ones_say_what_has_changed(
    server: ScriptedServer,
) -> None:
    async with welcomed(server) as (client, peer):
        pictures = (await joined(client, peer)).presence()
        await answer(peer, ANN, BOB)
        users = (PresentUser("ann", {"name": "ann"}), PresentUser("bob", {"name": "bob"}))
        assert await anext(pictures) == Presence(sessions=2, users=2, list=users)
        await change(peer, sessions=4, users=2, joined=[EVE], left=["ann"])
        await change(peer, joined=[{"user": "bob", "data": {"name": "Robert"}}])
        assert names(await anext(pictures)) == (["bob", "eve"], ["eve"], ["ann"])
        last = await anext(pictures)
        assert last.list is not None
        assert [one.data["name"] for one in last.list] == ["Robert", "eve"]


async def test_too_many_users_are_counted_and_listed_once_they_are_fewer(
    server: ScriptedServer,
) -> None:
    async with welcomed(server) as (client, peer):
        pictures = (await joined(client, peer)).presence()
        ask = await peer.receive("presence")
        await peer.send("presence", id=ask["id"], room=ROOM, sessions=300, users=201)
        await change(peer, joined=[BOB], left=["eve"])
        await change(peer, left=["bob"], list=[ANN])
        await change(peer, joined=[BOB])
        await change(peer, joined=[EVE], list=None)
        assert await read(pictures, 5) == [
            (None, [], []),
            (None, ["bob"], ["eve"]),
            (["ann"], [], ["bob"]),
            (["ann", "bob"], ["bob"], []),
            (None, ["eve"], []),
        ]


async def test_the_room_is_asked_once_for_all_readers(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room(ROOM)
        early = room.presence()
        await peer.join()
        await answer(peer, ANN)
        await change(peer, joined=[BOB])
        assert await read(early, 2) == [(["ann"], [], []), (["ann", "bob"], ["bob"], [])]
        late = client.room(ROOM).presence()
        assert await read(late, 1) == [(["ann", "bob"], [], [])]
        await change(peer, left=["ann"])
        for pictures in (early, late):
            assert await read(pictures, 1) == [(["bob"], [], ["ann"])]
        assert await peer.received() == []


async def test_without_a_reader_there_is_no_question(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        await change(peer, joined=[ANN])
        assert await peer.received() == []
        first = asyncio.ensure_future(anext(room.presence()))
        await answer(peer, BOB)
        assert names(await first) == (["bob"], [], [])
        await peer.lose()
        again = await server.accept()
        await again.welcome(rooms={ROOM: ENTRY}, resumed=True)
        assert await again.received() == []


async def test_a_reconnect_asks_again_and_tells_only_what_is_new(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        pictures = (await joined(client, peer)).presence()
        await answer(peer, ANN, BOB)
        await peer.lose()
        again = await server.accept()
        await again.welcome(rooms={ROOM: ENTRY}, resumed=True)
        anew = {"user": "ann", "data": {"name": "Annabel"}}
        await answer(again, anew, EVE)
        await change(again, left=["ann"])
        assert await read(pictures, 3) == [
            (["ann", "bob"], [], []),
            (["ann", "eve"], ["ann", "eve"], ["bob"]),
            (["eve"], [], ["ann"]),
        ]


async def test_a_refusal_ends_the_readers_and_unavailable_is_asked_again(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.client.line.RETRY", AT_ONCE)
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        pictures = room.presence()
        for code in ("unavailable", "invalid_message"):
            ask = await peer.receive("presence")
            await peer.send("error", id=ask["id"], room=ROOM, code=code, detail="")
        with pytest.raises(RequestFailed, match="invalid_message"):
            await anext(pictures)
        again = room.presence()
        await answer(peer, ANN)
        assert await read(again, 1) == [(["ann"], [], [])]


async def test_readers_end_with_their_handle(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room, other = await joined(client, peer), client.room(ROOM)
        closed, lost = room.presence(), other.presence()
        await answer(peer, ANN)
        assert await read(lost, 1) == [(["ann"], [], [])]
        room.close()
        await peer.send("left", room=ROOM)
        assert [names(picture)[0] async for picture in closed] == [["ann"]]
        with pytest.raises(RoomLost):
            await anext(lost)
        with pytest.raises(RoomLost):
            await anext(other.presence())


async def test_messages_may_stay_unread(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        pictures = room.presence()
        await answer(peer, ANN)
        await peer.publish(ROOM, *range(1, MAX_UNREAD + 3))
        await change(peer, joined=[BOB])
        assert await read(pictures, 2) == [(["ann"], [], []), (["ann", "bob"], ["bob"], [])]
        with pytest.raises(Behind):
            [message async for message in room]


async def test_unread_pictures_have_a_bound(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        pictures = (await joined(client, peer)).presence()
        await answer(peer)
        for _ in range(MAX_UNREAD):
            await change(peer)
        await peer.received()
        with pytest.raises(Behind):
            await read(pictures, MAX_UNREAD + 1)
