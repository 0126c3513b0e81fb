"""The start of a server."""

import signal
import socket
from typing import Any

from realtime.servers.common.listeners import address_of, listen

from ..server_support import ServerProcess


def test_a_taken_port_is_reported_at_once(server: ServerProcess, kind: str) -> None:
    with ServerProcess(server=kind, port=server.port) as second:
        assert "Address already in use" in second.event("taken")["error"]
        assert second.exit_code() == 1


def test_an_accepted_socket_gives_up_on_a_peer_that_acknowledges_nothing() -> None:
    with listen("127.0.0.1", 0) as listener:
        with socket.create_connection(address_of(listener)):
            accepted, _ = listener.accept()
        with accepted:
            timeout = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert timeout == 20_000


def test_ipv6(kind: str) -> None:
    with ServerProcess(server=kind, host="::1") as server, socket.socket(socket.AF_INET6) as client:
        client.connect(("::1", server.port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_a_failed_start_is_raised_and_nothing_is_served(kind: str) -> None:
    with ServerProcess(server=kind, start="raise") as server:
        assert server.exit_code() == 1
        server.logged("RuntimeError: start failed")
        assert server.count("listening") == 0


def test_a_signal_during_the_start_ends_it(kind: str) -> None:
    with ServerProcess(server=kind, start="hang") as server:
        server.event("start")
        server.signal(signal.SIGTERM)
        assert server.exit_code() == 0
        assert server.count("listening") == 0


def test_one_address_is_reported(server: ServerProcess) -> None:
    details: dict[str, Any] = server.event("listening")
    assert details["host"] == "127.0.0.1"
    assert details["port"] > 0
