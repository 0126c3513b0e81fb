"""Handshakes as browsers, shells around pages and proxies send them, on both servers."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.polling import eventually

from .server_support import Peer
from .support import Project, Server, dialled, login

NAMED = (
    "capacitor://localhost",
    "tauri://localhost",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "app://localhost:1430",
    "file://",
    "qrc://",
    "null",
    "https://*.example.com",
)

MOST = 3  # connections of an address that have not said hello

HELLO = '{"type":"hello","protocol":1}'


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory, kind: str) -> Project:
    folder = tmp_path_factory.mktemp(f"handshakes-{kind}")
    return Project.copy(
        template,
        folder,
        allowed_origins=",".join(NAMED),
        trusted_proxies="127.0.0.1",
        max_ungreeted=MOST,
    )


@pytest.fixture(scope="module")
def server(project: Project, kind: str) -> Iterator[Server]:
    with project.serve_cleanly(server=kind) as process:
        yield process


@pytest.fixture(scope="module")
def cookie(server: Server) -> str:
    return login(server, "ann")


def answer(server: Server, *headers: str) -> int:
    with Peer(server.port) as peer:
        peer.ask_upgrade("/ws/", *headers)
        return peer.status()


def closing(server: Server, *headers: str) -> tuple[int, int]:
    """The status, and the close code of a handshake that was accepted."""
    with Peer(server.port) as peer:
        peer.ask_upgrade("/ws/", *headers)
        status = peer.status()
        return status, peer.closed_with()[0] if status == 101 else 0


@pytest.mark.parametrize("origin", [*NAMED[:-1], "https://a.example.com", "http://localhost"])
def test_an_origin_that_is_named_may_come_in(server: Server, origin: str) -> None:
    assert answer(server, f"Origin: {origin}") == 101


@pytest.mark.parametrize(
    "origin",
    ["ionic://localhost", "capacitor://localhost:1", "moz-extension://abcd", "content://", "http://",
     "file:///", "https://example.org", "null, null"],
)  # fmt: skip
async def test_another_is_told_so(server: Server, origin: str) -> None:
    async with dialled(server, Origin=origin) as client:
        goodbye = await client.frame("goodbye")
        assert (goodbye["code"], goodbye["reconnect"]) == (4502, False)
        assert await client.closed() == (4502, "origin not allowed")


def test_of_two_origins_none_is_believed(server: Server) -> None:
    refused = closing(server, "Origin: null", "Origin: http://localhost")
    assert refused in ((400, 0), (101, 4502))


def test_a_header_of_the_drafts_is_no_origin(server: Server) -> None:
    foreign = closing(server, "Sec-WebSocket-Origin: null", "Origin: http://evil.example")
    assert foreign == (101, 4502)
    assert answer(server, "Sec-WebSocket-Origin: http://evil.example", "Origin: null") == 101


@pytest.mark.parametrize(
    "lines",
    [
        ["Cookie: {}"],
        ["Cookie: a=1", "Cookie: {}", "Cookie: b=2"],
        ["Cookie: {}; long=" + "x" * 14_000],
        ["Cookie: long=" + "x" * 14_000 + "; {}"],
    ],
    ids=["one line", "several lines", "a long line", "a longer way to it"],
)
def test_the_login_is_found_among_the_cookies(
    project: Project, server: Server, cookie: str, lines: list[str]
) -> None:
    with Peer(server.port) as peer:
        peer.upgrade("/ws/", *(line.format(cookie) for line in lines))
        peer.text(HELLO)
        assert b'"welcome"' in peer.next_frame()[1]


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9", "198.51.100.8", "127.0.0.1"], "198.51.100.8"),
        (["198.51.100.9:4711"], "198.51.100.9"),
        (["[2001:4860::7]:4711, 127.0.0.1:80"], "2001:4860::7"),
        (["fe80::1%eth0"], "fe80::1"),
    ],
)
def test_the_address_is_the_one_that_proxies_name(
    project: Project, server: Server, cookie: str, lines: list[str], address: str
) -> None:
    def seen() -> bool:
        query = "SELECT address FROM realtime_livesession"
        return {"address": address} in project.rows(query)

    forwarded = [f"X-Forwarded-For: {line}" for line in lines]
    with Peer(server.port) as peer:
        peer.upgrade("/ws/", f"Cookie: {cookie}", *forwarded)
        peer.text(HELLO)
        eventually(seen, what=address)


# Silent connections


def coming(server: Server, cookie: str, address: str) -> Peer:
    """A client at this address, by a proxy's word, that has sent nothing yet."""
    peer = Peer(server.port)
    peer.ask_upgrade("/ws/", f"Cookie: {cookie}", f"X-Forwarded-For: {address}")
    return peer


def test_an_address_may_have_so_many_that_have_not_said_hello(server: Server, cookie: str) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(coming(server, cookie, "203.0.113.1")) for _ in range(MOST)]
        assert [peer.status() for peer in silent] == [101] * MOST
        with coming(server, cookie, "203.0.113.1") as refused:
            assert refused.status() == 503
        for address in ("203.0.113.2", "2001:4860:1::1"):
            assert stack.enter_context(coming(server, cookie, address)).status() == 101
        eventually(lambda: server.lines_with("connections from 203.0.113.1 have not said hello"))

        silent[0].text(HELLO)  # a greeted client counts no more
        assert b'"welcome"' in silent[0].next_frame()[1]
        assert stack.enter_context(coming(server, cookie, "203.0.113.1")).status() == 101
        with coming(server, cookie, "203.0.113.1") as refused:
            assert refused.status() == 503

        silent[1].socket.close()  # a client that has gone does not count either
        eventually(lambda: admitted(server, cookie, "203.0.113.1"))


def test_of_ipv6_a_whole_64_is_one(server: Server, cookie: str) -> None:
    with ExitStack() as stack:
        for number in range(MOST):
            peer = coming(server, cookie, f"2001:4860:2:1::{number}")
            assert stack.enter_context(peer).status() == 101
        assert not admitted(server, cookie, "2001:4860:2:1:ffff::1")
        assert admitted(server, cookie, "2001:4860:2:2::1")


def admitted(server: Server, cookie: str, address: str) -> bool:
    with coming(server, cookie, address) as peer:
        return peer.status() == 101
