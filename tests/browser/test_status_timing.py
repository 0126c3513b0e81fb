"""How fast the page's client detects a dead connection, with and without sleep."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.support import Project
from tests.polling import eventually

from .conftest import ARGUMENTS, CHROMIUM
from .status_page import (
    RECORD,
    expect_state,
    log_in,
    recorded,
    time_of,
)


def test_a_silent_server_is_unstable_then_lost_in_time(
    page: Page, template: Path, tmp_path: Path
) -> None:
    """A stopped process keeps its sockets open and sends nothing."""
    project = Project.copy(template, tmp_path, ping_interval=2, pong_timeout=2, session_timeout=20)
    with project.serve() as server:
        log_in(page, server)
        page.evaluate(RECORD)
        time_of(page, "frame")
        stopped = time.time()
        server.stop(signal.SIGSTOP)
        unstable = time_of(page, "unstable", since=stopped)
        connecting = time_of(page, "connecting", since=stopped)
        last_frame = max(at for what, at in recorded(page) if what == "frame" and at < unstable)
        server.stop(signal.SIGCONT)
        expect_state(page, "connected")
    assert 3 - 0.1 <= unstable - last_frame <= 3 + 1  # P + T/2
    assert 4 - 0.1 <= connecting - last_frame <= 4 + 1  # P + T


@pytest.fixture
def sleeper(browser: Browser) -> Iterator[tuple[Page, Callable[[signal.Signals], None]]]:
    """A page in a separate browser, and a function that signals all processes of that browser."""
    before = chromiums()
    chromium = browser.browser_type.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    page = chromium.new_page(locale="en-GB")
    processes = chromiums() - before

    def send(number: signal.Signals) -> None:
        # Including processes that started later, for the page.
        for process in processes | (chromiums() - before):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    yield page, send
    send(signal.SIGCONT)
    chromium.close()


def chromiums() -> set[psutil.Process]:
    found = set()
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # the process has ended
            if "chrom" in child.name():
                found.add(child)
    return found


def test_after_a_sleep_the_page_reconnects_within_three_seconds(
    sleeper: tuple[Page, Callable[[signal.Signals], None]], template: Path, tmp_path: Path
) -> None:
    """It sleeps twice as long as the server waits: 5 s instead of 2.5 (110 s instead of 55)."""
    page, send = sleeper
    project = Project.copy(
        template, tmp_path, ping_interval=1, pong_timeout=0.5, session_timeout=5, drain_spread=0.5
    )
    with project.serve() as server:
        log_in(page, server)
        page.evaluate(RECORD)
        session = page.evaluate("window.client.stats().session")
        send(signal.SIGSTOP)
        eventually(lambda: project.state(session) == "suspended", what="a suspended session")
        time.sleep(2)  # the browser sleeps on: there is no condition to wait for
        woken_at = time.time()
        send(signal.SIGCONT)
        back = time_of(page, "connected", since=woken_at)
        assert page.evaluate("window.client.stats().session") == session
    assert back - woken_at <= 3


class CuttableRelay:
    """A relay in front of a server. After ``cut()`` its connections stay open and lose all data."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._sockets: list[socket.socket] = []
        self._dead = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "CuttableRelay":
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._listener, *self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut(self) -> None:
        """Cut the current connections; later ones work."""
        self._dead = len(self._sockets)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                number = len(self._sockets)
                self._sockets += [client, server]
                for source, target in ((client, server), (server, client)):
                    arguments = (source, target, number)
                    threading.Thread(target=self._carry, args=arguments, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, number: int) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if number >= self._dead:
                    target.sendall(data)
            if number >= self._dead:
                target.shutdown(socket.SHUT_WR)


def test_after_a_sleep_a_dead_connection_is_lost_within_three_seconds(
    sleeper: tuple[Page, Callable[[signal.Signals], None]], template: Path, tmp_path: Path
) -> None:
    """With the default settings: no ping is due, and neither side has closed."""
    page, send = sleeper
    project = Project.copy(template, tmp_path)
    with project.serve() as server, CuttableRelay(server.port) as relay:
        log_in(page, server, url=relay.url)
        page.evaluate(RECORD)
        session = page.evaluate("window.client.stats().session")
        send(signal.SIGSTOP)
        relay.cut()
        time.sleep(4)  # longer than the tolerance of the watchdog's timer
        woken_at = time.time()
        send(signal.SIGCONT)
        unstable = time_of(page, "unstable", since=woken_at)
        left = time_of(page, "connecting", since=unstable)
        time_of(page, "connected", since=left)
        assert page.evaluate("window.client.stats().session") == session
    assert unstable - woken_at <= 1
    assert left - woken_at <= 3
