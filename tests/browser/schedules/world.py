"""The parts that all rounds share: a Redis, a server behind a line that can break, and a process
that writes."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, Page

from realtime.protocol.position import Position
from tests.e2e.shell_process import shell_process
from tests.e2e.support import Project, Visitor, free_port
from tests.faults import Proxy
from tests.redis_server import RedisServer

from ..pages import WAIT_MS

ENDING = 20.0  # seconds of the server
FAST = {
    "ping_interval": 1.0,
    "pong_timeout": 1.0,
    "session_timeout": 10.0,
    "lease": 2.0,
    "flush_interval": 0.3,
    "drain_spread": 0.2,
    "store_timeout": 1.0,
}

# A line is a list of rooms, one for each write, and the pause before each in seconds. The answer
# has the numbers.
SCRIPT = """
import json, sys, time
from tests.browser.schedules.writing import write
for line in sys.stdin:
    rooms, pause = json.loads(line)
    numbers = []
    for room in rooms:
        time.sleep(pause)
        numbers.append(write(room))
    print(json.dumps(numbers), flush=True)
"""


class World:
    """A context manager. ``planted`` names a fault of the server. A reader that is not at the end
    after ``patience`` seconds is late."""

    def __init__(
        self,
        browser: Browser,
        template: Path,
        folder: Path,
        *,
        log_length: int,
        planted: str = "",
        patience: float = 20.0,
    ) -> None:
        self._patience = patience
        self._browser = browser
        self._template = template
        self._folder = folder
        self._settings = {**FAST, "log_length": log_length}
        self._planted = planted
        self._port = free_port()
        self._turn = Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.redis = stack.enter_context(RedisServer())
            environ = {
                "DJANGO_SETTINGS_MODULE": "tests.browser.schedules.settings",
                "REDIS_URL": self.redis.url,
                "PLANTED": self._planted,
            }
            self.project = Project.copy(
                self._template, self._folder, environ=environ, **self._settings
            )
            self.start()
            stack.callback(self._end)
            self.line = stack.enter_context(Proxy(self._port))
            self.url = f"http://127.0.0.1:{self.line.port}"
            self._writer = stack.enter_context(shell_process(self.project, SCRIPT))
            self._pool = stack.enter_context(ThreadPoolExecutor(1))
            with Visitor(self.server) as visitor:
                self._cookies = [*visitor.login("ann").http.cookies.items()]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # ------------------------------------------------------------ the server

    def start(self) -> None:
        """Returns when it listens, on the port that it had."""
        self.server = self.project.serve(self._port).__enter__()

    def stop(self, *, kills: bool) -> None:
        """End it in order, or by ``kill -9``."""
        if kills:
            self.server.kill()
        else:
            self.server.stop()
            self.server.exit_code(within=ENDING)
        self.server.__exit__()

    def _end(self) -> None:
        self.server.__exit__()

    def lose_redis(self) -> None:
        """Restart Redis without its data."""
        self.redis.kill()
        self.redis.forget()
        self.redis.start()

    # ------------------------------------------------------------ writing

    def write(self, rooms: Sequence[str], *, pause: float = 0.0) -> list[int]:
        """Commit and publish in these rooms, one after the other; returns the numbers."""
        with self._turn:
            numbers: list[int] = json.loads(self._writer.ask(json.dumps([rooms, pause])))
        return numbers

    @contextmanager
    def meanwhile(self, work: Callable[[], object]) -> Iterator[None]:
        """Run it in a thread; returns when both have ended."""
        future = self._pool.submit(work)
        try:
            yield
        finally:
            future.result()

    def writing(self, rooms: Sequence[str], *, pause: float) -> AbstractContextManager[None]:
        """Write meanwhile."""
        return self.meanwhile(lambda: self.write(rooms, pause=pause))

    def truth(self, room: str) -> dict[int, Position]:
        """Where each publication is, by its number. One whose writer was killed may be missing."""
        query = "SELECT id, name FROM auth_group WHERE name LIKE ? ORDER BY id"
        rows = self.project.rows(query, f"{room} %")
        places = {row["id"]: row["name"].removeprefix(f"{room} ") for row in rows}
        return {number: Position.parse(place) for number, place in places.items() if ":" in place}

    # ------------------------------------------------------------ pages

    @contextmanager
    def context(self) -> Iterator[BrowserContext]:
        """A browser without anything but the login. Errors in its pages fail the round."""
        errors: list[str] = []
        context = self._browser.new_context()
        context.set_default_timeout(WAIT_MS)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.add_cookies([{"name": n, "value": v, "url": self.url} for n, v in self._cookies])
        try:
            yield context
        finally:
            context.close()
        assert errors == []

    def wait_until(self, page: Page, expression: str, argument: Any = None) -> None:
        """Also in a tab behind another one, where nothing is painted."""
        timeout = 1000 * self._patience
        page.wait_for_function(expression, arg=argument, polling=20, timeout=timeout)
