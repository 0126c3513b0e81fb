"""The demo project as its users have it: its servers, commands and pages, and WebSocket clients.

A :class:`Project` is a database and an environment; what it starts are processes of
their own. Everything waits for a condition, with a deadline that fails the test.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.polling import TIMEOUT, eventually

from .server_support import CLEAN, PYTHON, Start, execute, fork

Frame = dict[str, Any]
Answer = Callable[[Frame], Frame | None]
Rooms = Mapping[str, Frame | None]  # names and, to resume there, positions

# Reading the certificates of all authorities, which no server here uses, takes 50 ms each time.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

PASSWORD = "kept-in-a-test"
USERS = ("ann", "bob", "cleo", "dan", "admin")

LISTENING = re.compile(r"(?:Serving on|running on|Listening on TCP address).*?127\.0\.0\.1:(\d+)")

MAKE_USERS = f"""
from django.contrib.auth.models import User
for name in {USERS!r}:
    staff = name == "admin"
    User.objects.create_user(name, password={PASSWORD!r}, is_staff=staff, is_superuser=staff)
"""


def make_database(folder: Path) -> Path:
    """A migrated database with the users; a project copies it."""
    project = Project(folder / "template.sqlite3")
    project.manage("migrate", "--verbosity=0")
    project.shell(MAKE_USERS)
    return project.database


class Project:
    """The demo project with a database of its own; ``settings`` are keys of ``REALTIME``."""

    _begin: Start = staticmethod(fork)

    def __init__(
        self,
        database: Path,
        *,
        environ: dict[str, str] | None = None,
        **settings: object,
    ) -> None:
        self.database = database
        self.env = {
            **CLEAN,
            "DJANGO_SETTINGS_MODULE": "tests.e2e.demo_settings",
            "SECRET_KEY": "known to every reader of the tests",
            "DEBUG": "1",
            "DATABASE_URL": f"sqlite:///{database}",
            **PYTHON,
            **as_environ(settings),
            **(environ or {}),
        }

    @classmethod
    def copy(cls, template: Path, folder: Path, **options: Any) -> Self:
        """A project in this folder whose database begins as the template."""
        return cls(Path(shutil.copy(template, folder / "db.sqlite3")), **options)

    # Commands

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of ``manage.py`` to its end."""
        command = ["manage.py", *arguments]
        with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            process = self._begin(command, self.env, out.fileno(), err.fileno())
            try:
                code = process.wait(STARTING)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            done = subprocess.CompletedProcess(command, code, out.read(), err.read())
        assert not check or code == 0, done.stderr
        return done

    def shell(self, code: str) -> str:
        """Run code in the project's shell; returns its output."""
        return self.manage("shell", "--no-imports", "--command", code).stdout

    def sessions(self, *arguments: str) -> list[dict[str, Any]]:
        """The output of ``manage.py sessions --json``."""
        rows: list[dict[str, Any]] = json.loads(
            self.manage("sessions", "--json", *arguments).stdout
        )
        return rows

    def session(self, id_: str) -> dict[str, Any]:
        """One of them."""
        return next(row for row in self.sessions() if row["id"] == id_)

    def sweep(self) -> dict[str, Any]:
        """The output of ``manage.py sweep --json``."""
        report: dict[str, Any] = json.loads(self.manage("sweep", "--json").stdout)
        return report

    # The database, where asking a command again and again would be slow

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.database, timeout=TIMEOUT)) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(query, parameters)]
            connection.commit()
        return found

    def state(self, id_: str) -> str:
        """Where a session stands; "closed" once it is in the history only."""
        found = self.rows("SELECT state FROM realtime_livesession WHERE id = ?", id_)
        return found[0]["state"] if found else "closed"

    def count(self, state: str) -> int:
        """How many sessions are in this state."""
        query = "SELECT count(*) AS n FROM realtime_livesession WHERE state = ?"
        return int(self.rows(query, state)[0]["n"])

    def history(self, id_: str) -> dict[str, Any]:
        """The row of a closed session, awaited."""
        query = "SELECT * FROM realtime_closedsession WHERE session = ?"
        return eventually(lambda: self.rows(query, id_), what=id_)[0]

    # Servers

    def serve(self, port: int = 0, *, server: str = "daphne", **settings: object) -> "Server":
        """``manage.py serve``."""
        arguments = ["manage.py", "serve", "--port", str(port), "--server", server]
        return Server(self._begin, arguments, {**self.env, **as_environ(settings)})

    @contextmanager
    def serve_cleanly(self, **options: Any) -> Iterator["Server"]:
        """The same; up to its end it must have logged nothing unwanted."""
        with self.serve(**options) as server:
            yield server
            assert server.complaints() == []

    def start(self, *arguments: str, **settings: object) -> "Server":
        """Any server in a new interpreter, with these settings besides the project's own."""
        return Server(execute, [*arguments], {**self.env, **as_environ(settings)})


class ExecutedProject(Project):
    """One whose every process is a new interpreter."""

    _begin = staticmethod(execute)


def as_environ(settings: dict[str, object]) -> dict[str, str]:
    return {f"REALTIME_{key.upper()}": str(value) for key, value in settings.items()}


LINES_SHOWN = 100
# Seconds against hanging. On a busy machine an interpreter imports for many, and a login, which
# takes a tenth of one on a quiet one, waits for more than ten.
STARTING = ANSWERING = 60.0


class Server:
    """A server process and its log; a context manager that leaves nothing behind."""

    def __init__(self, begin: Start, arguments: list[str], env: dict[str, str]) -> None:
        self.log: list[str] = []
        reading, writing = os.pipe()
        with open(writing):
            self.process = begin(arguments, env, writing, writing)
        self._reader = threading.Thread(target=self._read, args=[reading], daemon=True)
        self._reader.start()

    def _read(self, output: int) -> None:
        with open(output) as lines:
            self.log.extend(lines)

    def __enter__(self) -> Self:
        try:
            assert self.port
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        self.kill()
        self._reader.join()
        if kind is not None:  # pytest shows it for a failed test
            sys.stdout.writelines(self.log[-LINES_SHOWN:])

    @property
    def port(self) -> int:
        """The port it listens on; waits until it does."""
        return int(eventually(self._ports, within=STARTING, what=self.log)[-1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _ports(self) -> list[str]:
        assert self.process.poll() is None, "".join(self.log)
        return LISTENING.findall("".join(self.log))

    def children(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def open_files(self) -> int:
        """How many file descriptors it has open."""
        return int(psutil.Process(self.process.pid).num_fds())

    def kill(self) -> None:
        """``kill -9``, its child processes included."""
        for child in self.children():
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self.process.kill()
        self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end. Returns at once."""
        self.process.send_signal(number)

    def exit_code(self, *, within: float = TIMEOUT) -> int:
        """Awaited; the log holds all that it has said then, unless a process of its own goes on."""
        code = self.process.wait(within)
        if not self.children():
            self._reader.join(TIMEOUT)
        return code

    def lines_with(self, text: str) -> list[str]:
        return [line for line in tuple(self.log) if text in line]

    def complaints(self) -> list[str]:
        """Its unwanted log lines: errors and tracebacks."""
        bad = ("Traceback", " ERROR ", " CRITICAL ", "Exception")
        return [line for line in tuple(self.log) if any(word in line for word in bad)]

    def status(self, path: str) -> int:
        return httpx.get(self.url + path, timeout=ANSWERING, verify=NO_TLS).status_code


# Visitors: the HTTP half


class Visitor:
    """A client with a browser's cookies. ``login`` and the rest go through real pages."""

    def __init__(self, server: Server) -> None:
        self.http = httpx.Client(
            base_url=server.url,
            timeout=ANSWERING,
            headers={"Referer": server.url},
            verify=NO_TLS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def cookie(self) -> str:
        """The Cookie header of a handshake."""
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())

    def login(self, name: str, password: str = PASSWORD) -> Self:
        self.post("/accounts/login/", username=name, password=password)
        assert "sessionid" in self.http.cookies
        return self

    def logout(self) -> None:
        self.http.get("/accounts/password_change/")  # any page with a form brings the token
        self._submit("/accounts/logout/", {})

    def post(self, path: str, **fields: Any) -> httpx.Response:
        """Open the page, fill in its form, send it; it must lead on."""
        self.http.get(path)
        answer = self._submit(path, fields)
        assert answer.status_code == 302, answer.text
        return answer

    def submit(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form; returns the answer of any status."""
        return self._submit(path, fields)

    def _submit(self, path: str, fields: dict[str, Any]) -> httpx.Response:
        token = self.http.cookies.get("csrftoken", "")
        return self.http.post(path, data={**fields, "csrfmiddlewaretoken": token})


def login(server: Server, name: str) -> str:
    """The Cookie header of a fresh login."""
    with Visitor(server) as visitor:
        return visitor.login(name).cookie


# Clients: the WebSocket half


def pong(ping: Frame) -> Frame:
    """The right answer to a ping."""
    return {
        "type": "pong",
        "sequence": ping["sequence"],
        "timestamp": ping["timestamp"],
        "client_time": round(time.time() * 1000),
        "received": ping["delivered"],
        "ping_count": ping["sequence"],
    }


def silent(_ping: Frame) -> None:
    """No answer at all."""


class Client:
    """One connection: it keeps the frames it receives, and answers pings if it shall."""

    def __init__(self, connection: ClientConnection, answer: Answer) -> None:
        self.connection = connection
        self.answer = answer
        self.frames: list[Frame] = []
        self.end: tuple[int, str] | None = None
        self.began = time.monotonic()
        self.ended_at = 0.0
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read(), name="client")

    async def _read(self) -> None:
        try:
            while True:
                await self._heard(json.loads(await self.connection.recv()))
        except ConnectionClosed as closed:
            self.end = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
        self.ended_at = time.monotonic()
        async with self._news:
            self._news.notify_all()

    async def _heard(self, frame: Frame) -> None:
        if frame["type"] == "ping" and (answer := self.answer(frame)) is not None:
            await self.send(**answer)
        self.frames.append(frame)
        async with self._news:
            self._news.notify_all()

    async def send(self, **frame: Any) -> None:
        await self.connection.send(json.dumps(frame))

    async def hello(self, resume: Frame | None = None, rooms: Rooms | None = None) -> None:
        optional = {"resume": resume or None, "rooms": rooms}
        given = {name: value for name, value in optional.items() if value is not None}
        await self.send(type="hello", protocol=1, client="tests", **given)

    @property
    def welcome(self) -> Frame:
        return self.of("welcome")[0]

    @property
    def id(self) -> str:
        """The session's id."""
        return str(self.welcome["session"])

    @property
    def ticket(self) -> Frame:
        """The ``resume`` of the session."""
        return {key: self.welcome[key] for key in ("session", "token")}

    def of(self, kind: str) -> list[Frame]:
        """The frames of one type, in order."""
        return [frame for frame in self.frames if frame["type"] == kind]

    async def frame(self, kind: str, *, number: int = 1, within: float = TIMEOUT) -> Frame:
        """The frame of this type with this number, counted from 1; awaited."""
        await self.until(lambda: len(self.of(kind)) >= number, within=within, what=kind)
        return self.of(kind)[number - 1]

    async def closed(self, *, within: float = TIMEOUT) -> tuple[int, str]:
        """Code and reason of the close frame, awaited; (1006, "") if none came."""
        await self.until(lambda: self.end is not None, within=within, what="the end")
        assert self.end is not None
        return self.end

    async def until(self, condition: Callable[[], bool], *, within: float, what: object) -> None:
        with deadline(within, what, self.frames):
            async with asyncio.timeout(within), self._news:
                while not condition():
                    assert not self._reading.done() or condition(), (what, self.end, self.frames)
                    await self._news.wait()

    async def lose(self) -> None:
        """Break the TCP connection: a reset, no close frame."""
        raw = self.connection.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.transport.abort()
        await self.closed()

    async def aclose(self) -> None:
        await self.connection.close()
        await asyncio.wait([self._reading])


@contextmanager
def deadline(within: float, *what: object) -> Iterator[None]:
    """Say what was waited for in vain."""
    try:
        yield
    except TimeoutError:
        raise AssertionError(f"not within {within} s: {what}") from None


@asynccontextmanager
async def dialled(
    server: Server, cookie: str = "", *, answer: Answer = pong, **headers: str
) -> AsyncIterator[Client]:
    """A handshake, without a hello."""
    async with connect(
        f"ws://127.0.0.1:{server.port}/ws/",
        additional_headers={**({"Cookie": cookie} if cookie else {}), **headers},
        compression=None,
        ping_interval=None,
        open_timeout=ANSWERING,
        close_timeout=1,
        proxy=None,
    ) as connection:
        client = Client(connection, answer)
        try:
            yield client
        finally:
            await client.aclose()


@asynccontextmanager
async def connected(
    server: Server,
    cookie: str = "",
    *,
    answer: Answer = pong,
    resume: Frame | None = None,
    rooms: Rooms | None = None,
) -> AsyncIterator[Client]:
    """A client that has been welcomed."""
    async with dialled(server, cookie, answer=answer) as client:
        await client.hello(resume, rooms)
        await client.frame("welcome")
        yield client


@asynccontextmanager
async def crowd(
    server: Server,
    cookie: str,
    size: int,
    tickets: list[Frame] | None = None,
    rooms: Rooms | None = None,
) -> AsyncIterator[list[Client]]:
    """``size`` clients that have been welcomed, or one for each ticket, resumed."""
    chosen: Sequence[Frame | None] = tickets or [None] * size
    async with AsyncExitStack() as stack:
        connecting = (
            stack.enter_async_context(connected(server, cookie, resume=ticket, rooms=rooms))
            for ticket in chosen
        )
        yield list(await asyncio.gather(*connecting))


def free_port() -> int:
    """A port for a server that is to come back to the same address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
