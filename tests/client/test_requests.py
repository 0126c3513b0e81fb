"""Requests with answers, single and streamed."""

import asyncio
from typing import Any

import pytest

from realtime.client import RequestFailed, RoomHandle
from realtime.client.calls import FIRST_ID
from tests.polling import TIMEOUT, eventually_in_loop

from .scripted_server import Frame, Peer, ScriptedServer, welcomed


async def reply(peer: Peer, request: Frame, data: Any, *, done: bool) -> None:
    await peer.send("reply", id=request["id"], data=data, done=done)


async def test_a_request_has_one_answer(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        asking = asyncio.ensure_future(client.request("orders.price", {"id": 7}))
        request = await peer.receive("request")
        assert request == {
            "type": "request", "id": FIRST_ID, "name": "orders.price", "data": {"id": 7}
        }  # fmt: skip
        await reply(peer, request, {"price": "12.50"}, done=True)
        assert await asking == {"price": "12.50"}


async def test_answers_find_their_requests(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        asking = [asyncio.ensure_future(client.request(name)) for name in "abc"]
        requests = [await peer.receive("request") for _ in asking]
        assert [request["data"] for request in requests] == [None] * 3
        for request in reversed(requests):
            await reply(peer, request, request["name"].upper(), done=True)
        assert await asyncio.gather(*asking) == ["A", "B", "C"]


async def test_a_stream_has_parts_and_an_end(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        asking = asyncio.create_task(collect(client.request("assistant.ask", {"q": "why"})))
        request = await peer.receive("request")
        for part in ("be", "cause", None):
            await reply(peer, request, part, done=False)
        await peer.send("reply", id=request["id"], done=True)
        assert await asking == ["be", "cause", None]
        assert await peer.received() == []


async def collect(call: Any) -> list[Any]:
    return [part async for part in call]


@pytest.mark.parametrize("name", ["", "x" * 101, "half a character \ud800"])
async def test_a_name_that_the_server_would_refuse_is_refused_here(
    server: ScriptedServer, name: str
) -> None:
    async with welcomed(server) as (client, peer):
        with pytest.raises(ValueError, match="expected a name of 1 to 100 characters"):
            client.request(name)
        assert await peer.received() == []


async def test_a_single_answer_can_be_iterated(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        asking = asyncio.create_task(collect(client.request("name")))
        await reply(peer, await peer.receive("request"), 7, done=True)
        assert await asking == [7]


async def test_a_stream_cannot_be_awaited(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        asking = asyncio.ensure_future(client.request("name"))
        request = await peer.receive("request")
        await reply(peer, request, 7, done=False)
        with pytest.raises(TypeError, match="iterate over a stream"):
            await asking
        assert (await peer.receive("cancel"))["id"] == request["id"]


async def test_parts_are_acknowledged_as_they_are_taken(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        parts = aiter(client.request("name"))
        taking = asyncio.ensure_future(anext(parts))
        request = await peer.receive("request")
        for number in range(40):
            await reply(peer, request, number, done=False)
        assert await taking == 0
        assert await peer.received() == []  # none of those that only have arrived
        for _ in range(16):
            await anext(parts)
        assert (await peer.receive("reply_received"))["count"] == 16
        await reply(peer, request, "x" * 20_000, done=False)
        for _ in range(23):
            await anext(parts)
        assert (await peer.receive("reply_received"))["count"] == 32
        assert await anext(parts) == "x" * 20_000
        more = asyncio.ensure_future(anext(parts))
        assert (await peer.receive("reply_received"))["count"] == 41
        more.cancel()
        await asyncio.wait([more])


@pytest.mark.parametrize("limits", [{"window": 8}, {"window_bytes": 400}])
async def test_a_smaller_window_is_acknowledged_by_its_quarter(
    server: ScriptedServer, limits: dict[str, int]
) -> None:
    async with welcomed(server, welcome=limits) as (client, peer):
        asking = asyncio.create_task(collect(client.request("name")))
        request = await peer.receive("request")
        for number in range(2):
            await reply(peer, request, number, done=False)
        assert (await peer.receive("reply_received"))["count"] == 2
        await peer.send("reply", id=request["id"], done=True)
        assert await asking == [0, 1]


@pytest.mark.parametrize("code", ["unknown_request", "too_many_requests", "failed", "unavailable"])
async def test_a_refusal_is_raised(server: ScriptedServer, code: str) -> None:
    async with welcomed(server) as (client, peer):
        asking = asyncio.ensure_future(client.request("name"))
        request = await peer.receive("request")
        await peer.send("error", id=request["id"], code=code, detail="expected another")
        with pytest.raises(RequestFailed, match=f"{code}: expected another"):
            await asking


async def test_a_failure_comes_after_the_parts_before_it(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        parts = aiter(client.request("name"))
        taking = asyncio.ensure_future(anext(parts))
        request = await peer.receive("request")
        await reply(peer, request, 1, done=False)
        await peer.send("error", id=request["id"], code="failed", detail="")
        assert await taking == 1
        with pytest.raises(RequestFailed, match="failed"):
            await anext(parts)


async def test_leaving_a_stream_cancels_it(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):

        async def take_one() -> Any:
            async for part in client.request("name"):
                return part

        asking = asyncio.create_task(take_one())
        request = await peer.receive("request")
        await reply(peer, request, 1, done=False)
        assert await asking == 1
        assert (await peer.receive("cancel"))["id"] == request["id"]
        await reply(peer, request, 2, done=False)  # was under way
        assert await peer.received() == []


async def test_cancelling_cancels_it_on_the_server(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        asking = asyncio.ensure_future(client.request("name"))
        request = await peer.receive("request")
        asking.cancel()
        assert (await peer.receive("cancel"))["id"] == request["id"]


async def test_a_timeout_cancels_it_as_well(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        with pytest.raises(TimeoutError):
            await client.request("name", timeout=0.01)
        request = await peer.receive("request")
        assert (await peer.receive("cancel"))["id"] == request["id"]


async def test_a_lost_connection_fails_it_and_it_is_not_repeated(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        asking = asyncio.ensure_future(client.request("name"))
        await peer.receive("request")
        await peer.lose()
        with pytest.raises(RequestFailed, match="lost"):
            await asking
        again = await server.accept()
        await again.welcome(resumed=True)
        assert await again.received() == []


async def test_it_is_not_sent_as_another_user(server: ScriptedServer) -> None:
    async with welcomed(server, auth="a token") as (client, peer):
        await peer.lose()
        again = await server.accept()
        asking = asyncio.ensure_future(client.request("name"))
        await again.welcome(user="18")
        with pytest.raises(RequestFailed, match="another user"):
            await asking
        assert await again.received() == []


async def test_requests_and_messages_take_turns(server: ScriptedServer) -> None:
    """Neither waits for the other where the server's rate has both wait."""
    async with welcomed(server, welcome={"message_rate": 100}) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        sending = asyncio.create_task(send_without_a_pause(room))
        for _ in range(30):
            await acknowledge(peer, await peer.receive("messages"))
        asking = [asyncio.ensure_future(client.request("name")) for _ in range(3)]
        kinds: list[str] = []
        while len(kinds) < 8:
            frame = await peer.next()
            kinds.append(frame["type"])
            if frame["type"] == "messages":
                await acknowledge(peer, frame)
        assert kinds.count("request") == 3
        for task in (sending, *asking):
            task.cancel()
        await asyncio.wait([sending, *asking])


async def send_without_a_pause(room: RoomHandle) -> None:
    while True:
        await room.send(None)


async def acknowledge(peer: Peer, frame: dict[str, Any]) -> None:
    await peer.send("acks", id=frame["id"], items=[{}] * len(frame["items"]))


async def test_it_waits_for_a_connection(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        await peer.lose()
        await eventually_in_loop(lambda: not client.connected)
        with pytest.raises(TimeoutError):
            await client.request("name", timeout=0.01)
        asking = asyncio.ensure_future(client.request("name", timeout=TIMEOUT))
        again = await server.accept()
        await again.welcome(resumed=True)
        await reply(again, await again.receive("request"), 7, done=True)
        assert await asking == 7
