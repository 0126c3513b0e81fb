"""Messages of the client: in order, together, once."""

import asyncio
import json
import math
from typing import Any

import pytest

from realtime.client import Position, RealtimeClient, RoomLost, SendFailed, outbox, rooms
from realtime.client.handle import RoomHandle

from .scripted_server import AT_ONCE, Frame, Peer, ScriptedServer, welcomed


async def joined(client: RealtimeClient, peer: Peer, name: str = "chat:lobby") -> RoomHandle:
    room = client.room(name)
    await peer.join()
    return room


def data(frame: Frame) -> list[Any]:
    return [item["data"] for item in frame["items"]]


def keys(frame: Frame) -> list[str]:
    return [item["key"] for item in frame["items"]]


async def acknowledge(peer: Peer, frame: Frame, first: int = 1) -> None:
    offsets = range(first, first + len(frame["items"]))
    items = [{"epoch": "k3", "offset": offset} for offset in offsets]
    await peer.send("acks", id=frame["id"], items=items)


def sending(room: RoomHandle, *messages: Any) -> "list[asyncio.Task[Position | None]]":
    return [asyncio.create_task(room.send(message)) for message in messages]


async def test_a_message_returns_its_position(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        [task] = sending(room, {"text": "good morning"})
        frame = await peer.receive("messages")
        assert (frame["room"], data(frame)) == ("chat:lobby", [{"text": "good morning"}])
        await acknowledge(peer, frame, 45)
        assert await task == Position("k3", 45)


async def test_a_handler_may_publish_nothing(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        [task] = sending(await joined(client, peer), 1)
        frame = await peer.receive("messages")
        await peer.send("acks", id=frame["id"], items=[{}])
        assert await task is None


async def test_messages_of_one_moment_travel_together(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        tasks = sending(room, *range(50))
        first = await peer.receive("messages")
        assert data(first) == [*range(32)]
        later = sending(room, 50)
        await acknowledge(peer, first)
        second = await peer.receive("messages")
        assert data(second) == [*range(32, 51)]
        await acknowledge(peer, second, 33)
        positions = await asyncio.gather(*tasks, *later)
        assert [each.offset for each in positions if each] == [*range(1, 52)]
        assert len(set(keys(first) + keys(second))) == 51


async def test_a_frame_has_at_most_so_many_bytes(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        tasks = sending(room, "x" * 40_000, "y" * 40_000)
        for _ in tasks:
            frame = await peer.receive("messages")
            assert len(frame["items"]) == 1
            await acknowledge(peer, frame)
        await asyncio.gather(*tasks)


async def test_a_frame_has_at_most_the_bytes_that_the_server_reads(
    server: ScriptedServer,
) -> None:
    """After ten frames that are too large it ends the session."""
    async with welcomed(server, welcome={"max_message_size": 1_000}) as (client, peer):
        room = await joined(client, peer, "chat:" + "x" * 95)
        tasks = sending(room, *("é" * 120 for _ in range(5)), "z" * 797, "z")
        counts: list[int] = []
        while sum(counts) < len(tasks):
            frame = await peer.receive("messages")
            text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
            assert len(text.encode()) <= 1_000
            counts.append(len(frame["items"]))
            await acknowledge(peer, frame)
        assert counts == [2, 2, 1, 1, 1]
        await asyncio.gather(*tasks)


async def test_rooms_do_not_wait_for_each_other(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        tasks = sending(await joined(client, peer), 1)
        tasks += sending(await joined(client, peer, "chat:other"), 2)
        frames = [await peer.receive("messages") for _ in tasks]
        assert {frame["room"] for frame in frames} == {"chat:lobby", "chat:other"}
        for frame in reversed(frames):
            await acknowledge(peer, frame)
        await asyncio.gather(*tasks)


async def test_messages_wait_for_the_join(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        [task] = sending(client.room("chat:lobby"), 1)
        join = await peer.receive("join")
        assert await peer.received() == []
        await peer.send("joined", id=join["id"], room="chat:lobby", epoch="k3", offset=0)
        await acknowledge(peer, await peer.receive("messages"))
        await task


async def test_a_refused_join_refuses_the_messages(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        [task] = sending(client.room("chat:lobby"), 1)
        join = await peer.receive("join")
        await peer.send("error", id=join["id"], code="forbidden", detail="")
        with pytest.raises(SendFailed, match="forbidden"):
            await task


async def test_one_refused_message_holds_up_no_other(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        tasks = sending(await joined(client, peer), 1, 2, 3)
        frame = await peer.receive("messages")
        refused = {"code": "forbidden", "detail": "expected something nicer"}
        items = [{"epoch": "k3", "offset": 1}, refused, {"epoch": "k3", "offset": 2}]
        await peer.send("acks", id=frame["id"], items=items)
        assert await tasks[0] == Position("k3", 1)
        with pytest.raises(SendFailed, match="forbidden: expected something nicer"):
            await tasks[1]
        assert await tasks[2] == Position("k3", 2)


@pytest.mark.parametrize("code", ["unavailable", "rate_limited"])
async def test_what_cannot_be_served_now_is_sent_again_in_order(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr("realtime.client.line.RETRY", AT_ONCE)
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        tasks = sending(room, 1, 2, 3)
        first = await peer.receive("messages")
        tasks += sending(room, 4)
        later = {"code": code, "detail": ""}
        items = [{"epoch": "k3", "offset": 1}, later, later]
        await peer.send("acks", id=first["id"], items=items)
        second = await peer.receive("messages")
        assert data(second) == [2, 3, 4]
        assert keys(second)[:2] == keys(first)[1:]
        await peer.send("error", id=second["id"], **later)
        third = await peer.receive("messages")
        assert keys(third) == keys(second)
        await acknowledge(peer, third)
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_after_another_number_of_answers_all_are_sent_again(
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    count: int,
) -> None:
    """It is the server's error, and shows which message was meant for none of them."""
    monkeypatch.setattr("realtime.client.line.RETRY", AT_ONCE)
    async with welcomed(server) as (client, peer):
        tasks = sending(await joined(client, peer), 1, 2)
        first = await peer.receive("messages")
        items = [{"epoch": "k3", "offset": 7}] * count
        await peer.send("acks", id=first["id"], items=items)
        again = await peer.receive("messages")
        assert keys(again) == keys(first)
        await acknowledge(peer, again)
        assert await asyncio.gather(*tasks) == [Position("k3", 1), Position("k3", 2)]
    assert f"expected acks with 2 items, not {count}" in caplog.text


async def test_without_an_answer_it_is_sent_again_on_the_next_connection(
    server: ScriptedServer,
) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        tasks = sending(room, 1, 2)
        first = await peer.receive("messages")
        tasks += sending(room, 3)
        await peer.lose()
        again = await server.accept()
        entry = {"epoch": "k3", "offset": 0, "recovered": True}
        await again.welcome(rooms={"chat:lobby": entry})
        second = await again.receive("messages")
        assert data(second) == [1, 2, 3]
        assert keys(second)[:2] == keys(first)
        await acknowledge(again, second)
        await asyncio.gather(*tasks)


async def test_a_message_without_an_answer_for_four_minutes_has_an_unknown_outcome(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_AGE", 0.01)
    async with welcomed(server) as (client, peer):
        [task] = sending(await joined(client, peer), 1)
        await peer.receive("messages")
        with pytest.raises(SendFailed) as caught:
            await task
        assert caught.value.code == "unknown"


async def test_an_old_message_is_not_sent_again(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock that counts sleep, before the timer runs."""
    now = 0.0
    monkeypatch.setattr(outbox, "elapsed", lambda: now)
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        [old] = sending(room, "old")
        await peer.receive("messages")
        await peer.lose()
        now = outbox.MAX_AGE
        [new] = sending(room, "new")
        again = await server.accept()
        await again.welcome(rooms={"chat:lobby": {"epoch": "k3", "offset": 0, "recovered": True}})
        frame = await again.receive("messages")
        assert data(frame) == ["new"]
        with pytest.raises(SendFailed, match="unknown"):
            await old
        await acknowledge(again, frame)
        await new


async def test_one_that_the_server_has_never_taken_may_wait_for_longer(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(outbox, "elapsed", lambda: now)
    monkeypatch.setattr("realtime.client.line.RETRY", AT_ONCE)
    async with welcomed(server) as (client, peer):
        [task] = sending(await joined(client, peer), 1)
        frame = await peer.receive("messages")
        now = outbox.MAX_AGE
        await peer.send("error", id=frame["id"], code="rate_limited", detail="")
        await acknowledge(peer, await peer.receive("messages"))
        await task


async def test_a_frame_that_is_refused_as_a_whole_is_sent_again_in_parts(
    server: ScriptedServer,
) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        tasks = sending(room, 1, 2, 3)
        first = await peer.receive("messages")
        tasks += sending(room, 4)
        await peer.send("error", id=first["id"], code="invalid_message", detail="too large")
        for number in (1, 2):
            alone = await peer.receive("messages")
            assert (data(alone), keys(alone)) == ([number], [keys(first)[number - 1]])
            await acknowledge(peer, alone, number)
        alone = await peer.receive("messages")
        await peer.send("error", id=alone["id"], code="invalid_message", detail="too large")
        with pytest.raises(SendFailed, match="invalid_message: too large"):
            await tasks.pop(2)
        await acknowledge(peer, await peer.receive("messages"), 3)
        assert [each.offset for each in await asyncio.gather(*tasks) if each] == [1, 2, 3]


async def test_an_error_without_an_id_is_about_the_one_frame_under_way(
    server: ScriptedServer,
) -> None:
    """As for a frame above the server's `max_message_size`."""
    async with welcomed(server) as (client, peer):
        tasks = sending(await joined(client, peer), 1, 2)
        assert data(await peer.receive("messages")) == [1, 2]
        await peer.send("error", code="invalid_message", detail="expected a smaller frame")
        for task in tasks:
            frame = await peer.receive("messages")
            await acknowledge(peer, frame)
            await task


async def test_after_an_error_without_an_id_frames_under_way_are_sent_again_one_by_one(
    server: ScriptedServer,
) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        lost = client.room("chat:lost")
        [task] = sending(room, 1)
        [join, first] = [await peer.receive(kind) for kind in ("join", "messages")]
        await peer.send("error", code="unknown_type", detail="")
        again = await peer.receive("join")
        assert again["id"] != join["id"]
        assert await peer.received() == []
        await peer.send("joined", id=join["id"], room="chat:lost", epoch="k3", offset=0)  # late
        await peer.send("error", code="unknown_type", detail="expected another type")
        with pytest.raises(RoomLost, match="unknown_type: expected another type"):
            await lost.joined()
        frame = await peer.receive("messages")
        assert keys(frame) == keys(first)
        await acknowledge(peer, frame)
        await task
        await peer.lose()  # a new connection has a whole window
        entry = {"epoch": "k3", "offset": 1, "recovered": True}
        again_up = await server.accept()
        await again_up.welcome(rooms={"chat:lobby": entry})
        for number in range(3):
            client.room(f"chat:{number}")
        for _ in range(3):
            await again_up.receive("join")


async def test_an_error_about_a_room_or_for_later_is_no_answer(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        [task] = sending(await joined(client, peer), 1)
        frame = await peer.receive("messages")
        await peer.send("error", code="forbidden", detail="", room="chat:other")
        await peer.send("error", code="unavailable", detail="the new login could not be checked")
        assert await peer.received() == []
        await acknowledge(peer, frame)
        await task


async def test_a_message_is_not_sent_as_another_user(server: ScriptedServer) -> None:
    async with welcomed(server, auth="a token") as (client, peer):
        room = await joined(client, peer)
        [task] = sending(room, 1)
        await peer.receive("messages")
        await peer.lose()
        again = await server.accept()
        entry = {"epoch": "k3", "offset": 0, "recovered": True}
        await again.welcome(rooms={"chat:lobby": entry}, user="18")
        with pytest.raises(SendFailed, match="another user"):
            await task
        [later] = sending(room, 2)
        frame = await again.receive("messages")
        assert data(frame) == [2]
        await acknowledge(again, frame)
        await later


async def test_cancelling_drops_what_was_not_sent(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        first, second, third = sending(room, 1, 2, 3)
        await asyncio.sleep(0)
        second.cancel()
        frame = await peer.receive("messages")
        assert data(frame) == [1, 3]
        await acknowledge(peer, frame)
        await asyncio.gather(first, third)


def nested(levels: int) -> list[Any]:
    outermost: list[Any] = []
    for _ in range(levels):
        outermost = [outermost]
    return outermost


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (object(), TypeError),
        ({1, 2}, TypeError),
        (math.nan, ValueError),
        (2**53 + 1, ValueError),
        ("\ud800", ValueError),
        ("x" * 65_535, ValueError),
        (eval("[" * 30 + "]" * 30), ValueError),
        (nested(10_000), ValueError),
    ],
    ids=["object", "set", "nan", "integer", "surrogate", "size", "depth", "great depth"],
)
async def test_data_that_the_server_would_refuse_is_refused_here(
    server: ScriptedServer, wrong: Any, error: type[Exception]
) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        with pytest.raises(error):
            await room.send(wrong)
        with pytest.raises(error):
            await client.request("name", wrong)
        assert await peer.received() == []


async def test_the_data_may_change_once_it_is_queued(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        message = {"text": "before"}
        [task] = sending(await joined(client, peer), message)
        await asyncio.sleep(0)
        message["text"] = "after"
        frame = await peer.receive("messages")
        assert data(frame) == [{"text": "before"}]
        await acknowledge(peer, frame)
        await task


async def test_a_closed_handle_sends_no_longer(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        [task] = sending(room, 1)
        await peer.receive("messages")
        room.close()
        with pytest.raises(SendFailed, match="left"):
            await task
        with pytest.raises(SendFailed, match="not_joined"):
            await room.send(2)


@pytest.mark.parametrize("answer", ["acks", "error"])
@pytest.mark.parametrize("end", ["close", "left"])
async def test_an_answer_for_a_room_that_is_gone_changes_nothing(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, end: str, answer: str
) -> None:
    monkeypatch.setattr("realtime.client.line.RETRY", AT_ONCE)
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        other = await joined(client, peer, "chat:other")
        [gone] = sending(room, 1)
        frame = await peer.receive("messages")
        if end == "close":
            room.close()
        else:
            await peer.send("left", room="chat:lobby")
        with pytest.raises(SendFailed):
            await gone
        if answer == "acks":
            await acknowledge(peer, frame)
        else:
            await peer.send("error", id=frame["id"], code="unavailable", detail="")
        [task] = sending(other, 2)
        frame = await peer.receive("messages")
        assert frame["room"] == "chat:other"
        await acknowledge(peer, frame)
        await task


async def test_ids_stay_below_those_of_requests_with_answers(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.client.line.MAX_ID", 2)
    async with welcomed(server) as (client, peer):
        for number, id_ in enumerate((1, 2, 1)):
            client.room(f"chat:{number}")
            assert (await peer.join())["id"] == id_


async def test_the_queue_has_a_bound(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "MAX_UNSENT", 2)
    async with welcomed(server) as (client, peer):
        room = await joined(client, peer)
        tasks = sending(room, 1, 2)
        await asyncio.sleep(0)
        with pytest.raises(SendFailed, match="queue_full"):
            await room.send(3)
        await acknowledge(peer, await peer.receive("messages"))
        await asyncio.gather(*tasks)


async def test_the_end_of_the_client_refuses_what_waits(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        [task] = sending(await joined(client, peer), 1)
        await peer.receive("messages")
    with pytest.raises(SendFailed, match="disconnected"):
        await task


async def test_frames_stay_below_the_server_s_rate(server: ScriptedServer) -> None:
    """A burst of 20 frames, then one in 1.25 s."""
    async with welcomed(server, welcome={"message_rate": 1}) as (client, peer):
        for number in range(15):
            await joined(client, peer, f"chat:{number}")
        room = await joined(client, peer)
        for number in range(4):
            [task] = sending(room, number)
            await acknowledge(peer, await peer.receive("messages"))
            await task
        [task] = sending(room, "too early")
        assert await peer.received() == []
        task.cancel()
