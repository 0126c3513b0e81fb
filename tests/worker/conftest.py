"""A worker's parts on the real database store, without a server and without a ticker's clock."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import pytest
from django.test import override_settings

from realtime.bus.publication_batches import PublicationBatch
from realtime.common.handler_threads import HandlerThreads
from realtime.common.threads import Threads
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.models import ClosedSession
from realtime.protocol.codes import CloseCode
from realtime.protocol.messages import Hello, Resume, RoomMessage
from realtime.protocol.position import Position, Rewind, RoomStart, Start
from realtime.protocol.request_messages import ClientRequest
from realtime.security.authentication import Login
from realtime.store.contract import Store
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.store import DatabaseStore
from realtime.store.database.transaction import Database
from realtime.store.log import Log, PublishRequest
from realtime.store.records import Peer, Session
from realtime.store.timeouts import Timeouts
from realtime.worker import instances
from realtime.worker.admission.admission import Admission, ServerParams, SessionCallbacks
from realtime.worker.admission.handlers import Application, Handlers
from realtime.worker.admission.identification import Identification
from realtime.worker.admission.login_renewal import LoginRenewal
from realtime.worker.connections.connection import Connection
from realtime.worker.rooms.permissions import Refused
from realtime.worker.rooms.presence import Presences
from realtime.worker.rooms.rooms import Rooms
from realtime.worker.runtime import Runtime
from realtime.worker.sessions.beats import Beats
from realtime.worker.sessions.checked_login import CheckedLogin
from realtime.worker.sessions.disconnect_queue import DisconnectQueue
from realtime.worker.sessions.hub import Hub, WorkerIdentity
from realtime.worker.sessions.session import ConnectedSession
from realtime.worker.sessions.ticker import Ticker

from .fakes import POLICY, FakeTransport, FlakyStore, connect

TIMEOUTS = Timeouts(lease_ms=15_000, resume_ms=120_000, session_ms=90_000, claim_ms=30_000)
ADA = Peer(user="1", username="ada", login="digest", address="192.0.2.1")


@dataclass
class WorkerHarness:
    """One worker's parts. ``flaky_store`` is its store with faults, ``store`` without them,
    ``log`` the store's log with faults. Its application lets every client into rooms "open:…"."""

    store: DatabaseStore
    flaky_store: FlakyStore
    threads: Threads
    sweeper: Sweeper
    dispatcher: SignalDispatcher
    name: str = "w1"
    opened: list[Session] = field(default_factory=list)
    resumed: list[Session] = field(default_factory=list)
    moves: list[tuple[str, str, str]] = field(default_factory=list)  # "joined" or "left", who, room

    connections: list[Connection] = field(default_factory=list)
    end_code: CloseCode | None = None

    def __post_init__(self) -> None:
        flaky_store = cast(Store, self.flaky_store)
        self.disconnects = DisconnectQueue(
            flaky_store, self.sweeper, self.dispatcher, worker=self.name, retry=0.001
        )
        self.log = FlakyStore(self.store.log)
        self.presences = Presences(self.flaky_store.presence)
        self.rooms = Rooms(cast(Log, self.log), on_leave=self.presences.forget)
        self.hub = Hub(
            WorkerIdentity(self.name, "host", 1),
            self.disconnects,
            deliveries=lambda: self.rooms.deliveries,
            return_delay=(0, 5000),
        )
        self.callbacks = SessionCallbacks(
            self.opened.append,
            self.resumed.append,
            joined=partial(self._note, "joined"),
            left=partial(self._note, "left"),
        )
        identification = Identification(self.ended_logins, allow_anonymous=True)
        self.admission = Admission(
            self.hub,
            flaky_store,
            self.disconnects,
            self.rooms,
            self.callbacks,
            identification=identification,
            params=ServerParams(
                POLICY, 120.0, max_message_size=1000, max_publication=1000, message_rate=10
            ),
        )
        self.hub.ticker = Ticker(
            [], tick_session=self.hub.tick, sessions=self.hub.connected, max_delay=5.0, grain=0.02
        )
        self.beats = Beats(flaky_store, self.dispatcher, self.hub, self.disconnects, lease=15.0)
        self.presences.settled = self.beats.settled
        self.renewal = LoginRenewal(
            self.hub, flaky_store, identification, registered=self.beats.registered
        )

    async def ended_logins(self, logins: Sequence[CheckedLogin]) -> dict[CheckedLogin, CloseCode]:
        """The logins that do not stand any more: all, if there is an ``end_code``."""
        return dict.fromkeys(logins, self.end_code) if self.end_code else {}

    def _note(self, move: str, session: Session, rooms: Iterable[str]) -> None:
        self.moves.extend((move, session.id, room) for room in sorted(rooms))

    def other(self, name: str) -> "WorkerHarness":
        """Another worker on the same store."""
        return WorkerHarness(
            self.store, FlakyStore(self.store), self.threads, self.sweeper, self.dispatcher, name
        )

    async def admit(
        self,
        transport: FakeTransport,
        *,
        resume: dict[str, Any] | None = None,
        peer: Peer = ADA,
        rooms: Mapping[str, Start] | None = None,
        application: "type[FakeApplication] | None" = None,
    ) -> ConnectedSession:
        """A connection that has said hello; ``resume`` is the welcome to continue from."""
        wanted = resume and Resume(
            session=resume["session"], token=resume["token"], turn=resume.get("turn")
        )
        starts = {room: on_wire(start) for room, start in (rooms or {}).items()}
        hello = Hello(protocol=1, resume=wanted or None, rooms=starts)
        connection = connect(transport)
        self.connections.append(connection)
        handlers = handlers_of((application or FakeApplication)(peer))
        session = await self.admission.admit(connection, hello, handlers)
        assert session is not None
        await session.connection.flush()
        return session

    async def publish(self, room: str, data: str = "{}") -> Position:
        """Append to the log, and give this worker's rooms a hint."""
        (appended,) = await self.store.log.append([PublishRequest(room, data)])
        (entry,) = (
            await self.store.log.read(
                room, after=appended.position.offset - 1, limit=1, max_bytes=100_000
            )
        ).entries
        batch = PublicationBatch(room, appended.position.epoch, appended.position.offset, (entry,))
        self.rooms.on_publication(batch)
        return appended.position

    async def settle(self) -> None:
        """Wait until the store knows all disconnects, and every goodbye is sent."""
        await self.disconnects.settle(10.0)
        await self.sweeper.settle(10.0)
        assert len(self.disconnects) == 0
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def history(self) -> list[ClosedSession]:
        """The closed sessions, oldest first."""
        return await self.threads.run(lambda: list(ClosedSession.objects.order_by("id")))


def on_wire(start: Start) -> RoomStart | None:
    """Where a client begins, as its hello says it."""
    match start:
        case Position():
            return RoomStart(epoch=start.epoch, offset=start.offset)
        case Rewind():
            return RoomStart(rewind=start.count)
    return None


class DigestLogin(Login):
    """A login that has its digest for a key."""

    @property
    def digest(self) -> str:
        return self.key


class FakeApplication:
    """The application's side of a connection, whose client is ``peer`` once it has a login."""

    only_publishes = False
    describes_presence = False

    def __init__(self, peer: Peer) -> None:
        self.scope: Any = {}
        self.connection: Connection
        self.session: ConnectedSession | None = None
        self.peer = peer
        self.auth: str | None = None
        self.login: Login = DigestLogin(peer.login, peer.user, peer.username)

    @classmethod
    async def ended_tokens(cls, logins: Sequence[Login]) -> Iterable[Login]:
        return ()

    async def authenticate(self) -> Login:
        return self.login

    async def authorize(self, room: str, action: str) -> bool:
        return room.startswith("open:")

    async def description_in(self, room: str, user: str) -> str | None:
        raise AssertionError(room)

    async def receive_message(self, message: RoomMessage) -> None:
        raise AssertionError(message)

    async def publish_messages(
        self, messages: Sequence[RoomMessage]
    ) -> Sequence[Position | Refused]:
        raise AssertionError(messages)

    def receive_request(self, request: ClientRequest) -> Any:
        raise AssertionError(request)

    async def receive_bytes(self, data: bytes) -> None:
        raise AssertionError(data)


def handlers_of(application: Application) -> Handlers:
    """Its handlers; a client may join three rooms."""
    return Handlers(application, HandlerThreads(size=1, timeout=10.0), 3)


@pytest.fixture
async def harness(transactional_db: None) -> AsyncIterator[WorkerHarness]:
    """A worker whose sessions are in the database."""
    threads = Threads(size=2)
    database = Database("default")
    store = DatabaseStore(BlockingDatabaseStore(database, TIMEOUTS), threads, timeout=10.0)
    dispatcher = SignalDispatcher(threads)
    sweeper = Sweeper(store, History(database, days=30), threads, dispatcher, claimant="w1")
    harness = WorkerHarness(store, FlakyStore(store), threads, sweeper, dispatcher)
    await harness.beats.flush()
    yield harness
    await harness.rooms.stop()
    await harness.presences.stop()
    await harness.disconnects.stop()
    await sweeper.stop()
    await store.aclose()
    await threads.aclose()


QUICK = {"FLUSH_INTERVAL": 3600.0, "LEASE": 36000.0, "SWEEP_INTERVAL": 0, "DRAIN_SPREAD": 2.0}


@pytest.fixture
async def worker(transactional_db: None) -> AsyncIterator[Runtime]:
    """A worker that flushes only on demand."""
    with override_settings(REALTIME=QUICK):
        started = await instances.start()
        yield started
        if started in instances.running():
            await started.stop()
