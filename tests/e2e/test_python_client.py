"""``realtime.client`` on both servers, beside the tests' own client: what one receives, the other
does."""

import asyncio
import itertools
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from realtime.client import (
    Backoff,
    Disconnected,
    Position,
    RealtimeClient,
    RequestFailed,
    Resync,
    RoomHandle,
    RoomLost,
    SendFailed,
)
from tests.faults import Proxy
from tests.polling import TIMEOUT, eventually_in_loop, eventually_in_thread

from .room_server import rooms_project, unique_room
from .server_support import CLEAN, PYTHON
from .shell_process import ShellProcess, shell_process
from .support import Client, Project, Server, Visitor, connected, free_port, login

SOON = Backoff(base=0.05, cap=0.5)


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def project(kind: str, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp(f"python_client_{kind}")
    return rooms_project(template, folder, application="tokens", ping_interval=0.5, pong_timeout=1)


@pytest.fixture(scope="module")
def publisher(project: Project) -> Iterator[ShellProcess]:
    with shell_process(project) as process:
        yield process


@pytest.fixture(scope="module")
def server(project: Project, kind: str) -> Iterator[Server]:
    with project.serve_cleanly(server=kind) as process:
        yield process


@pytest.fixture(scope="module")
def ann(server: Server) -> str:
    return login(server, "ann")


@pytest.fixture
def room() -> str:
    return unique_room()


def client_of(port: int, cookie: str = "", **options: Any) -> RealtimeClient:
    headers = {"Cookie": cookie} if cookie else {}
    url = f"ws://127.0.0.1:{port}/ws/"
    return RealtimeClient(url, **{"headers": headers, "backoff": SOON, **options})


@asynccontextmanager
async def in_room(client: RealtimeClient, name: str, **options: Any) -> AsyncIterator[RoomHandle]:
    with closing(client.room(name, **options)) as handle:
        async with asyncio.timeout(TIMEOUT):
            await handle.joined()
        yield handle


async def read(handle: RoomHandle, count: int) -> list[Any]:
    """The data of the next messages."""
    async with asyncio.timeout(TIMEOUT):
        return [(await anext(handle)).data for _ in range(count)]


async def both_read(handle: RoomHandle, raw: Client, count: int) -> list[Any]:
    """The data of the first messages, the same for both clients."""
    data = await read(handle, count)
    await raw.frame("publication", number=count)
    assert [frame["data"] for frame in raw.of("publication")] == data
    return data


async def publish(publisher: ShellProcess, room: str, numbers: range) -> None:
    for number in numbers:
        await publisher.publish(room, number)


# Rooms and messages


async def test_both_clients_receive_the_same(
    server: Server, ann: str, publisher: ShellProcess, room: str
) -> None:
    async with (
        client_of(server.port, ann) as client,
        in_room(client, room) as handle,
        connected(server, ann, rooms={room: None}) as raw,
    ):
        await publish(publisher, room, range(5))
        assert await both_read(handle, raw, 5) == [*range(5)]
        assert client.user == raw.welcome["user"]
        assert client.private_room == f"user:{client.user}"


async def test_messages_are_published_in_order_and_have_positions(
    server: Server, ann: str, room: str
) -> None:
    async with (
        client_of(server.port, ann) as client,
        in_room(client, room) as handle,
        connected(server, ann, rooms={room: None}) as raw,
    ):
        positions = await asyncio.gather(*map(handle.send, range(50)))
        assert await both_read(handle, raw, 50) == [*range(50)]
        assert [each.offset for each in positions if each] == [*range(1, 51)]
        assert {each.epoch for each in positions if each} == {raw.welcome["rooms"][room]["epoch"]}


async def test_a_refusal_has_the_application_s_words(server: Server, ann: str, room: str) -> None:
    async with client_of(server.port, ann) as client, in_room(client, room) as handle:
        results = await asyncio.gather(
            handle.send(1), handle.send("refuse"), handle.send(2), return_exceptions=True
        )
        assert isinstance(results[1], SendFailed)
        assert results[1].detail == "expected something nicer"
        assert await read(handle, 2) == [1, 2]
        with pytest.raises(RoomLost, match="forbidden"):
            await anext(client.room("secrets"))


async def test_since_goes_on_where_another_program_was(
    server: Server, ann: str, publisher: ShellProcess, room: str
) -> None:
    async with client_of(server.port, ann) as client, in_room(client, room) as handle:
        await publish(publisher, room, range(3))
        await read(handle, 1)
        place = str(handle.position)
    async with client_of(server.port, ann) as client, in_room(client, room, since=place) as handle:
        assert await read(handle, 2) == [1, 2]


async def test_a_rewind_repeats_the_last_and_goes_on(
    server: Server, ann: str, publisher: ShellProcess, room: str
) -> None:
    await publish(publisher, room, range(5))
    async with (
        client_of(server.port, ann) as client,
        in_room(client, room) as live,
        in_room(client, room, rewind=3) as rewound,
        in_room(client, room, rewind=100) as whole,
    ):
        await publisher.publish(room, 5)
        assert await read(live, 1) == [5]
        assert await marks(rewound, 4) == [(2, True), (3, True), (4, True), (5, False)]
        assert await marks(whole, 6) == [*((n, True) for n in range(5)), (5, False)]


async def marks(handle: RoomHandle, count: int) -> list[tuple[Any, bool]]:
    """The data of the next messages, and whether they are replayed."""
    async with asyncio.timeout(TIMEOUT):
        messages = [await anext(handle) for _ in range(count)]
    return [(message.data, message.replayed) for message in messages]


async def test_a_position_of_the_server_s_api_is_a_beginning(
    project: Project, server: Server, ann: str, publisher: ShellProcess, room: str
) -> None:
    await publish(publisher, room, range(3))
    code = f"from realtime.api import position; print(position('{room}'))"
    place = (await asyncio.to_thread(project.shell, code)).strip()
    await publish(publisher, room, range(3, 5))
    async with client_of(server.port, ann) as client, in_room(client, room, since=place) as handle:
        assert await read(handle, 2) == [3, 4]


async def test_a_position_of_another_log_is_a_gap(server: Server, ann: str, room: str) -> None:
    async with client_of(server.port, ann) as client:
        with pytest.raises(Resync) as caught:
            await anext(client.room(room, since="other:7"))
        assert (caught.value.reason, caught.value.initial) == ("epoch_changed", True)


async def test_the_own_room(server: Server, project: Project, ann: str) -> None:
    async with client_of(server.port, ann) as client:
        assert client.private_room is not None
        async with in_room(client, client.private_room) as handle:
            code = "from realtime.api import publish_to_user; publish_to_user({}, 'for you')"
            await asyncio.to_thread(project.shell, code.format(client.user))
            assert await read(handle, 1) == ["for you"]


# Requests and binary frames


async def test_requests_have_answers_and_streams(server: Server, ann: str) -> None:
    async with client_of(server.port, ann) as client:
        doubled = [client.request("double", number) for number in range(8)]
        assert await asyncio.gather(*doubled) == [*range(0, 16, 2)]
        assert [part async for part in client.request("count", 2000)] == [*range(2000)]
        with pytest.raises(RequestFailed, match="unknown_request"):
            await client.request("of a later version")


async def test_a_stream_that_is_left_ends_on_the_server(server: Server, ann: str) -> None:
    async with client_of(server.port, ann) as client:
        before = await client.request("ended")
        async for part in client.request("count", 10**9):
            if part == 500:
                break
        async with asyncio.timeout(TIMEOUT):
            while await client.request("ended") == before:
                await asyncio.sleep(0.05)


async def test_a_lost_line_fails_a_request(server: Server, ann: str) -> None:
    with Proxy(server.port) as proxy:
        async with client_of(proxy.port, ann) as client:
            with pytest.raises(RequestFailed, match="lost"):
                async for part in client.request("count", 10**9):
                    if part == 100:
                        proxy.reset()
            assert await client.request("double", 4) == 8


async def test_binary_frames_come_back_reversed(server: Server, ann: str) -> None:
    async with client_of(server.port, ann) as client:
        frames = client.binary()
        await client.send_bytes(b"\x01\x02")
        async with asyncio.timeout(TIMEOUT):
            assert await anext(frames) == b"\x02\x01"


# Losses


async def test_a_reset_line_loses_nothing(
    server: Server, ann: str, publisher: ShellProcess, room: str
) -> None:
    with Proxy(server.port) as proxy:
        async with (
            client_of(proxy.port, ann) as client,
            in_room(client, room) as handle,
            connected(server, ann, rooms={room: None}) as raw,
        ):
            session = client.session
            for first in range(0, 30, 10):
                await publish(publisher, room, range(first, first + 5))
                proxy.reset()
                await publish(publisher, room, range(first + 5, first + 10))
            assert await both_read(handle, raw, 30) == [*range(30)]
            assert client.session == session
            assert proxy.accepted >= 2


async def test_a_line_that_breaks_again_and_again_loses_and_repeats_nothing(
    server: Server, ann: str, publisher: ShellProcess, room: str
) -> None:
    with Proxy(server.port) as proxy:
        async with client_of(proxy.port, ann) as client, in_room(client, room) as handle:
            breaking = asyncio.create_task(break_at_random(proxy))
            sending: list[asyncio.Task[Position | None]] = []
            async with asyncio.timeout(TIMEOUT):
                while len(sending) < 60 or proxy.accepted <= 2:
                    sending.append(asyncio.create_task(handle.send(f"sent {len(sending)}")))
                    await publisher.publish(room, len(sending) - 1)
                    if len(sending) >= 60:  # fewer than the handle keeps unread
                        await eventually_in_loop(broken_again(proxy))
            positions = await asyncio.gather(*sending)
            breaking.cancel()
            await asyncio.wait([breaking])
            proxy.heal()
            count = len(sending)
            data = await read(handle, 2 * count)
    assert [each for each in data if isinstance(each, int)] == [*range(count)]
    sent = [f"sent {number}" for number in range(count)]
    assert [data[each.offset - 1] for each in positions if each] == sent


def broken_again(proxy: Proxy) -> Callable[[], bool]:
    """Whether the client has connected anew since this call."""
    before = proxy.accepted
    return lambda: proxy.accepted > before


async def break_at_random(proxy: Proxy) -> None:
    """Break the line again and again: at once, between a message and its answer, or by silence."""
    chance = random.Random(5)
    while True:
        await asyncio.sleep(chance.random() * 0.3)
        match chance.choice(["reset", "cut", "stall"]):
            case "reset":
                proxy.reset()
            case "cut":
                proxy.cut_replies()
            case "stall":
                proxy.stall(requests=chance.random() < 0.5)
                await asyncio.sleep(0.2)
                proxy.heal()


async def test_a_silent_line_is_given_up(
    server: Server, ann: str, publisher: ShellProcess, room: str
) -> None:
    with Proxy(server.port) as proxy:
        async with client_of(proxy.port, ann) as client, in_room(client, room) as handle:
            proxy.stall()
            await publish(publisher, room, range(3))
            await eventually_in_loop(lambda: not client.connected)
            proxy.heal()
            assert await read(handle, 3) == [0, 1, 2]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "drain"])
async def test_a_server_that_ends_loses_nothing(
    project: Project, kind: str, publisher: ShellProcess, room: str, number: signal.Signals
) -> None:
    port = free_port()
    with project.serve(port, server=kind) as first:
        cookie = login(first, "ann")
        client = await client_of(port, cookie).__aenter__()
        handle = client.room(room)
        await handle.joined()
        sending = [asyncio.create_task(handle.send(f"sent {number}")) for number in range(20)]
        await asyncio.sleep(0)
        first.process.send_signal(number)
        await asyncio.to_thread(first.exit_code)
        await publish(publisher, room, range(5))
        session = client.session
    with project.serve(port, server=kind) as second:
        assert all(await asyncio.gather(*sending))
        data = await read(handle, 25)
        assert [each for each in data if isinstance(each, int)] == [*range(5)]
        assert [each for each in data if isinstance(each, str)] == [f"sent {n}" for n in range(20)]
        assert client.session == session
        async with connected(second, cookie, rooms={room: start_of(handle)}) as raw:
            await raw.frame("publication", number=25)
            assert [frame["data"] for frame in raw.of("publication")] == data
        await client.__aexit__(None, None, None)
        await eventually_in_thread(lambda: project.state(session) == "closed")


def start_of(handle: RoomHandle) -> dict[str, Any]:
    """Before the first publication of the room's log."""
    assert handle.position is not None
    return {"epoch": handle.position.epoch, "offset": 0}


# The session


async def test_the_end_of_the_block_ends_the_session(
    project: Project, server: Server, ann: str
) -> None:
    async with client_of(server.port, ann) as client:
        session = client.session
    row = await asyncio.to_thread(project.history, session)
    assert row["code"] == 1000


async def test_a_session_taken_over_is_taken_back_once(server: Server, ann: str) -> None:
    async with client_of(server.port, ann) as client:
        welcome = client._keeper.welcome
        assert welcome is not None
        ticket = {key: welcome[key] for key in ("session", "token")}
        async with connected(server, ann, resume=ticket) as raw:
            assert raw.welcome["resumed"] is True
            assert (await raw.closed())[0] == 4506
        async with connected(server, ann, resume=ticket) as raw:
            async with asyncio.timeout(TIMEOUT):
                with pytest.raises(Disconnected, match="4506"):
                    await client.wait_closed()
            assert raw.end is None


async def test_a_logout_ends_the_client(server: Server, room: str) -> None:
    with Visitor(server) as visitor:
        cookie = await asyncio.to_thread(lambda: visitor.login("bob").cookie)
        async with client_of(server.port, cookie) as client, in_room(client, room) as handle:
            await asyncio.to_thread(visitor.logout)
            async with asyncio.timeout(TIMEOUT):
                with pytest.raises(Disconnected, match="4503"):
                    await anext(handle)
        with pytest.raises(Disconnected, match="4501"):
            await client_of(server.port, cookie).__aenter__()


@pytest.mark.parametrize(
    ("origin", "path", "error"),
    [("http://evil.example", "/ws/", "4502"), ("", "/nowhere/", "HTTP status 403")],
)
async def test_what_waiting_cannot_help_is_an_error(
    server: Server, ann: str, origin: str, path: str, error: str
) -> None:
    headers = {"Cookie": ann} | ({"Origin": origin} if origin else {})
    with pytest.raises(Disconnected, match=error):
        await RealtimeClient(f"ws://127.0.0.1:{server.port}{path}", headers=headers).__aenter__()


# Tokens


async def test_a_token_is_renewed_on_the_connection(
    server: Server, publisher: ShellProcess, room: str
) -> None:
    numbers = itertools.count()
    issued: list[str] = []

    async def auth() -> str:
        issued.append(f"ann 3.{next(numbers)}")
        return issued[-1]

    with Proxy(server.port) as proxy:
        async with client_of(proxy.port, auth=auth) as client, in_room(client, room) as handle:
            await eventually_in_loop(lambda: len(issued) >= 3)
            await publisher.publish(room, "still there")
            assert await read(handle, 1) == ["still there"]
            assert proxy.accepted == 1


async def test_a_token_of_no_user_is_refused(server: Server) -> None:
    with pytest.raises(Disconnected, match="4501"):
        await client_of(server.port, auth="unknown 30").__aenter__()


# The command


async def test_the_command_follows_a_room(
    server: Server, ann: str, publisher: ShellProcess, room: str, tmp_path: Path
) -> None:
    file = tmp_path / "login"
    file.write_text(f"--header\nCookie: {ann}\n")
    await publisher.publish(room, "before")
    url = f"ws://127.0.0.1:{server.port}/ws/"
    command = ["-m", "realtime.client", url, "--room", room, f"@{file}"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=CLEAN | PYTHON,
        stdout=asyncio.subprocess.PIPE,
        # A shell's background jobs ignore it, and hand that down.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    try:
        lines: list[dict[str, Any]] = []
        while not lines:  # it says nothing of its join
            await publisher.publish(room, "☃")
            try:
                async with asyncio.timeout(0.5):
                    lines.append(json.loads(await process.stdout.readline()))
            except TimeoutError:
                continue
        assert (lines[0]["room"], lines[0]["data"]) == (room, "☃")
        assert Position.parse(lines[0]["position"]).offset > 1
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
