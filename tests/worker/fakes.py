"""A transport, a clock and a store that a test controls."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from realtime.protocol.heartbeat import Policy
from realtime.protocol.messages import Welcome
from realtime.store.contract import Store, StoreUnavailable
from realtime.store.log import Log
from realtime.store.records import Peer, Session, SessionState
from realtime.worker.connections.connection import Connection, FrameLimits
from realtime.worker.rooms.rooms import Rooms
from realtime.worker.sessions.session import ConnectedSession

LIMITS = FrameLimits(max_message_size=1000, rate=10, burst=50)
POLICY = Policy(ping_interval=25, pong_timeout=10, max_missed=3, session_timeout=90)

WELCOME = Welcome(
    session="s1",
    token="token",
    resumed=False,
    user=None,
    ping_interval=25_000,
    pong_timeout=10_000,
    max_missed=3,
    resume_window=120_000,
    window=256,
    window_bytes=65_536,
    max_message_size=1000,
    max_publication=1000,
    message_rate=10,
    server_time=0,
    rooms={},
)


async def settled() -> None:
    """Let all tasks run until they wait."""
    for _ in range(20):
        await asyncio.sleep(0)


class FakeTransport:
    """The sending end of a transport: keeps events, waits for ``open``, or fails with ``error``."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.attempts = 0
        self.drops = 0

    async def send(self, event: dict[str, Any]) -> None:
        self.attempts += 1
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.events.append(event)

    def drop(self) -> None:
        self.drops += 1

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The text frames sent."""
        return [json.loads(event["text"]) for event in self.events if event.get("text")]

    @property
    def types(self) -> list[str]:
        """Their types."""
        return [message["type"] for message in self.messages]

    @property
    def closed(self) -> int | None:
        """The close code sent, if any."""
        codes = [event["code"] for event in self.events if event["type"] == "websocket.close"]
        assert len(codes) <= 1
        return codes[0] if codes else None

    @property
    def goodbye(self) -> dict[str, Any]:
        """The one goodbye sent."""
        (message,) = [m for m in self.messages if m["type"] == "goodbye"]
        return message


class Clock:
    """An event loop's clock and timers, set by the test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    monotonic = time

    def call_later(self, delay: float, callback: Callable[[], object]) -> None:
        self.timers.append((self.now + delay, callback))

    def create_task(self, coroutine: Any, *, name: str) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(coroutine, name=name)

    def turn(self, seconds: float) -> None:
        """Let this time pass, and call the timers that are due."""
        self.now += seconds
        due = [callback for at, callback in self.timers if at <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for callback in due:
            callback()


def connect(transport: FakeTransport, clock: Clock | None = None, **options: Any) -> Connection:
    """A connection on this transport, by this clock."""
    connection = Connection(
        transport.send, options.pop("limits", LIMITS), drop=transport.drop, **options
    )
    if clock is not None:
        connection._loop = cast(Any, clock)
        connection._bucket._since = connection._bytes._since = clock.now
    return connection


def record(id_: str = "s1", *, generation: int = 1, **values: Any) -> Session:
    """A session as the store returns it."""
    given: dict[str, Any] = {
        "state": SessionState.CONNECTED,
        "worker": "w1",
        "peer": Peer(user="1", username="ada", login="digest", address="192.0.2.1"),
        "opened_at": 1_795_176_000_000,
        "connected_at": 1_795_176_000_000,
        "last_beat": 1_795_176_000_000,
        **values,
    }
    return Session(id=id_, generation=generation, **given)


def live(
    id_: str = "s1",
    *,
    transport: FakeTransport | None = None,
    now: float = 0.0,
    first_ping: float = 25.0,
) -> ConnectedSession:
    """A session that is connected, without a hub."""
    connection = connect(transport or FakeTransport())
    return connected(record(id_), connection, now=now, first_ping=first_ping)


def connected(
    record: Session, connection: Connection, *, now: float = 0.0, first_ping: float = 25.0
) -> ConnectedSession:
    """The connected session of this record, at a worker whose rooms have no log."""
    rooms = Rooms(cast(Log, None))
    return ConnectedSession(
        record,
        connection,
        rooms,
        POLICY,
        now,
        first_ping=first_ping,
        token_hash="digest",
        key="c1",
    )


class FlakyStore:
    """A store that is out of reach while ``down``, and whose calls wait for ``held`` events."""

    def __init__(self, store: Store | Log | Any) -> None:
        self.store = store
        self.down = False
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.held: dict[str, asyncio.Event] = {}  # the answer waits for this

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args))
            if self.down:
                raise StoreUnavailable("down")
            answer = await getattr(self.store, name)(*args, **kwargs)
            if name in self.held:
                await self.held.pop(name).wait()
            return answer

        return call

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of this method."""
        return [args for each, args in self.calls if each == name]
