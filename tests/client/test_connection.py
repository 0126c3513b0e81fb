"""The client's connections, against a server that does what the test says."""

import asyncio
import time
from http import HTTPStatus
from typing import Any

import pytest

from realtime.client import Backoff, Disconnected, RealtimeClient, SendFailed, socket, watch
from realtime.client.schedule import ReconnectSchedule
from tests.polling import TIMEOUT, eventually_in_loop

from .scripted_server import AT_ONCE, ScriptedServer, scripted_server, welcomed


async def test_the_block_begins_with_the_welcome_and_ends_with_bye(server: ScriptedServer) -> None:
    async with welcomed(server, welcome={"rooms": {"user:17": {"epoch": "a1", "offset": 7}}}) as (
        client,
        peer,
    ):
        assert client.connected
        assert (client.session, client.user, client.private_room) == ("Y1qQ0Jm2", "17", "user:17")
        leaving = asyncio.create_task(peer.receive("bye"))
    await leaving
    assert not client.connected


async def test_the_hello_names_the_client_and_the_headers_are_sent(server: ScriptedServer) -> None:
    client = RealtimeClient(server.url, headers={"Cookie": "sessionid=x"})
    entering = asyncio.create_task(client.__aenter__())
    peer = await server.accept()
    hello = await peer.welcome()
    await entering
    await client.__aexit__(None, None, None)
    assert hello["protocol"] == 1
    assert hello["client"].startswith("realtime-python/")
    assert hello["rooms"] == {}
    assert "resume" not in hello
    assert peer.headers["Cookie"] == "sessionid=x"


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost/ws/", "ws://", "localhost", "wss://example.com/ws/#part", ""),
        *("ws://localhost:0/", "ws://localhost:65536/", "ws://localhost:http/", "ws://[::1/"),
    ],
)
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected an address"):
        RealtimeClient(url)


async def test_a_block_is_entered_once(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, _):
        with pytest.raises(RuntimeError, match="expected a new client"):
            await client.__aenter__()


async def test_outside_of_the_block_there_is_no_session(server: ScriptedServer) -> None:
    with pytest.raises(RuntimeError, match="expected to be in the client's block"):
        RealtimeClient(server.url).session  # noqa: B018


# Losses


async def test_it_comes_back_to_its_session_with_higher_turns(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        await peer.lose()
        again = await server.accept()
        hello = await again.receive("hello")
        assert hello["resume"] == {"session": "Y1qQ0Jm2", "token": "tB7kD93w", "turn": 1}
        assert not client.connected
        await again.lose()
        third = await server.accept()
        assert (await third.welcome(resumed=True))["resume"]["turn"] == 2
        await eventually_in_loop(lambda: client.connected)


@pytest.mark.parametrize("code", [1001, 4001, 4009])
async def test_it_comes_back_after_a_goodbye(server: ScriptedServer, code: int) -> None:
    async with welcomed(server) as (_, peer):
        await peer.goodbye(code, delay=[0, 1])
        await (await server.accept()).welcome(resumed=True)


async def test_a_silent_server_is_lost(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "CHECK", 0.01)
    async with welcomed(server, welcome={"ping_interval": 20, "pong_timeout": 20}) as (_, peer):
        assert (await peer.receive("ping"))["sequence"] == 1
        await (await server.accept()).welcome(resumed=True)


async def test_a_server_without_a_welcome_is_lost_and_gets_more_time(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    run = socket.ClientSocket.run

    async def noted(self: socket.ClientSocket, hello: Any, *, within: float) -> socket.LineEnd:
        given.append(within)
        return await run(self, hello, within=within)

    monkeypatch.setattr(socket.ClientSocket, "run", noted)
    client = RealtimeClient(server.url, timeout=0.3, backoff=AT_ONCE)
    entering = asyncio.create_task(client.__aenter__())
    for _ in range(2):
        await (await server.accept()).receive("hello")
    await (await server.accept()).welcome()
    await entering
    await client.__aexit__(None, None, None)
    assert given == [0.3, 0.6, 1.2]


async def test_a_server_that_is_away_is_waited_for(server: ScriptedServer) -> None:
    server.status = HTTPStatus.SERVICE_UNAVAILABLE
    client = RealtimeClient(server.url, backoff=AT_ONCE)
    entering = asyncio.create_task(client.__aenter__())
    await eventually_in_loop(lambda: server.handshakes >= 3)
    server.status = None
    await (await server.accept()).welcome()
    await entering
    await client.__aexit__(None, None, None)


async def test_the_wait_can_be_cancelled(server: ScriptedServer) -> None:
    server.status = HTTPStatus.SERVICE_UNAVAILABLE
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), RealtimeClient(server.url, backoff=AT_ONCE):
            raise AssertionError("it is not welcome")
    assert own_tasks() == []


def own_tasks() -> list[str]:
    """The names of the client's tasks."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("realtime")]


async def test_a_cancellation_at_the_welcome_leaves_nothing(server: ScriptedServer) -> None:
    client = RealtimeClient(server.url)
    entering = asyncio.create_task(client.__aenter__())
    peer = await server.accept()
    on_welcomed = client._keeper.on_welcomed

    def cancel_then() -> None:
        on_welcomed()
        entering.cancel()

    client._keeper.on_welcomed = cancel_then
    await peer.welcome()
    await peer.receive("bye")
    await asyncio.wait([entering])
    assert entering.cancelled()
    assert own_tasks() == []


async def test_the_end_of_the_block_is_no_error_for_readers_and_one_for_others(
    server: ScriptedServer,
) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        reading = asyncio.ensure_future(anext(room, None))
        waiting = asyncio.create_task(client.wait_closed())
        await asyncio.sleep(0)
    assert await reading is None
    with pytest.raises(Disconnected, match="the client has left"):
        await waiting
    with pytest.raises(Disconnected, match="the client has left"):
        await client.request("late")


async def test_a_program_that_cancels_all_tasks_ends_the_readers(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        for task in asyncio.all_tasks():
            if task.get_name().startswith("realtime"):
                task.cancel()
        with pytest.raises(Disconnected, match="cancelled"):
            await anext(room)


# Ends


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
async def test_a_wrong_address_of_the_server_is_an_error_at_first(
    server: ScriptedServer, status: HTTPStatus
) -> None:
    server.status = status
    with pytest.raises(Disconnected, match=f"HTTP status {status}"):
        await RealtimeClient(server.url).__aenter__()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_token_goes_to_another_address(server: ScriptedServer, status: int) -> None:
    async with scripted_server() as other:
        server.status, server.location = HTTPStatus(status), other.url
        with pytest.raises(Disconnected, match=f"HTTP status {status}, to {other.url}"):
            await RealtimeClient(server.url, auth="a token").__aenter__()
        assert (server.handshakes, other.handshakes) == (1, 0)


async def test_later_it_may_be_a_restart(server: ScriptedServer) -> None:
    async with welcomed(server) as (_, peer):
        server.status = HTTPStatus.NOT_FOUND
        await peer.lose()
        await eventually_in_loop(lambda: server.handshakes >= 3)
        server.status = None
        await (await server.accept()).welcome()


@pytest.mark.parametrize("code", [4500, 4501, 4502, 4503, 4504, 4505, 4700])
async def test_a_final_code_ends_the_client(server: ScriptedServer, code: int) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        await peer.goodbye(code, "it is over")
        with pytest.raises(Disconnected) as caught:
            await anext(room)
        assert (caught.value.code, caught.value.reason) == (code, "it is over")
        assert str(caught.value) == f"it is over ({code})"
        with pytest.raises(Disconnected):
            await client.wait_closed()
        with pytest.raises(SendFailed, match="disconnected"):
            await room.send("late")
        with pytest.raises(Disconnected):
            await client.request("late")
        with pytest.raises(Disconnected):
            await anext(client.room("chat:other"))
        with pytest.raises(Disconnected):
            await anext(client.binary())
    assert server.handshakes == 1


async def test_a_close_frame_without_a_goodbye_counts_as_well(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        await peer.connection.close(4502, "origin not allowed")
        with pytest.raises(Disconnected, match=r"origin not allowed \(4502\)"):
            await client.wait_closed()


async def test_a_refusal_before_the_welcome_is_raised_at_the_block(server: ScriptedServer) -> None:
    client = RealtimeClient(server.url)
    entering = asyncio.create_task(client.__aenter__())
    await (await server.accept()).goodbye(4501, "not authenticated")
    with pytest.raises(Disconnected, match=r"not authenticated \(4501\)"):
        await entering


async def test_a_session_taken_over_is_taken_back_once(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        await peer.goodbye(4506)
        again = await server.accept()
        assert (await again.welcome(resumed=True))["resume"]["session"] == "Y1qQ0Jm2"
        await again.goodbye(4506)
        with pytest.raises(Disconnected, match="4506"):
            await client.wait_closed()


async def test_it_gives_up_after_so_many_attempts(server: ScriptedServer) -> None:
    server.status = HTTPStatus.SERVICE_UNAVAILABLE
    backoff = Backoff(base=0.001, max_attempts=3)
    with pytest.raises(Disconnected, match="gave up after 3 attempts: HTTP status 503"):
        await RealtimeClient(server.url, backoff=backoff).__aenter__()
    assert server.handshakes == 3


async def test_a_defect_is_raised_and_not_hidden(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> float:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(ReconnectSchedule, "pause_after", broken)
    with pytest.raises(ZeroDivisionError):
        async with welcomed(server) as (client, peer):
            room = client.room("chat:lobby")
            await peer.lose()
            await anext(room)


# Frames


async def test_pings_are_answered_with_the_count_of_publications(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        client.room("chat:lobby")
        await peer.join()
        await peer.publish("chat:lobby", 1, 2)
        before = round(time.time() * 1000)
        stamp = "2026-11-20T12:00:00.000Z"
        await peer.send("ping", sequence=12, timestamp=stamp, server_time=1, delivered=2)
        pong = await peer.receive("pong")
        assert before <= pong.pop("client_time") <= round(time.time() * 1000)
        assert pong == {
            "type": "pong", "sequence": 12, "timestamp": stamp, "received": 2, "ping_count": 1
        }  # fmt: skip


@pytest.mark.parametrize("limits", [{"window": 8}, {"window_bytes": 700}])
async def test_a_quarter_of_the_window_is_acknowledged(
    server: ScriptedServer, limits: dict[str, int]
) -> None:
    async with welcomed(server, welcome=limits) as (_, peer):
        await peer.publish("chat:lobby", 1, 2, 3)
        assert (await peer.receive("received"))["count"] == 2
        assert await peer.received() == []


async def test_what_it_does_not_know_is_ignored(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        room = client.room("chat:lobby")
        await peer.join()
        for text in ("no JSON", "[]", "7", "{}", '{"type":7}', '{"type":"of a later version"}'):
            await peer.connection.send(text)
        await peer.send("notice", state="degraded")
        await peer.send("error", code="forbidden", detail="", room="chat:other")
        await peer.send("error", code="invalid_json", detail="")
        await peer.send("welcome")
        await peer.publish("chat:lobby", 1, later_field=True)
        assert (await anext(room)).offset == 1


# Binary


async def test_binary_frames_go_both_ways(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        frames = client.binary()
        await client.send_bytes(b"\x00\xff")
        async with asyncio.timeout(TIMEOUT):
            assert await peer.connection.recv() == b"\x00\xff"
        await peer.connection.send(b"\x01")
        assert await anext(frames) == b"\x01"
        with pytest.raises(ValueError, match="expected at most 270336 bytes"):
            await client.send_bytes(bytes(270_337))
    with pytest.raises(StopAsyncIteration):
        await anext(frames)


async def test_binary_frames_are_not_kept_for_the_next_connection(server: ScriptedServer) -> None:
    async with welcomed(server) as (client, peer):
        await peer.lose()
        again = await server.accept()
        await again.receive("hello")
        with pytest.raises(SendFailed, match="not_connected"):
            await client.send_bytes(b"\x00")


# Tokens


async def test_a_token_is_in_the_hello_and_kept(server: ScriptedServer) -> None:
    issued = iter(["first", "second"])
    client = RealtimeClient(server.url, auth=lambda: next(issued), backoff=AT_ONCE)
    entering = asyncio.create_task(client.__aenter__())
    peer = await server.accept()
    assert (await peer.welcome())["auth"] == "first"
    await entering
    await peer.lose()
    assert (await (await server.accept()).welcome())["auth"] == "first"
    await client.__aexit__(None, None, None)


async def test_a_login_that_expires_gets_a_new_token(server: ScriptedServer) -> None:
    issued = iter(["first", "second"])
    async with welcomed(server, auth=lambda: next(issued)) as (_, peer):
        await peer.send("auth_expiring", **{"in": 30_000})
        assert (await peer.receive("auth"))["auth"] == "second"
        await peer.lose()
        assert (await (await server.accept()).welcome())["auth"] == "second"


async def test_without_tokens_it_answers_no_auth_expiring(server: ScriptedServer) -> None:
    async with welcomed(server) as (_, peer):
        await peer.send("auth_expiring", **{"in": 30_000})
        assert await peer.received() == []


@pytest.mark.parametrize("code", [4501, 4008])
async def test_a_token_that_was_good_is_replaced_once(server: ScriptedServer, code: int) -> None:
    issued = iter(["first", "second"])
    async with welcomed(server, auth=lambda: next(issued)) as (client, peer):
        await peer.goodbye(code)
        again = await server.accept()
        assert (await again.receive("hello"))["auth"] == "second"
        await again.goodbye(code)
        with pytest.raises(Disconnected, match=str(code)):
            await client.wait_closed()


async def test_a_function_that_fails_is_called_again(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    calls = 0

    async def auth() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("no issuer")
        return "a token"

    async with welcomed(server, auth=auth):
        assert calls == 2
    assert "has no token" in caplog.text
    assert "no issuer" in caplog.text
