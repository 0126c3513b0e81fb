"""A worker's parts on the real database store, without a server and without a ticker's clock."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from realtime.history import History
from realtime.models import ClosedSession
from realtime.protocol.messages import Hello, Resume
from realtime.store.base import Store
from realtime.store.database.blocking import DatabaseSessions
from realtime.store.database.store import DatabaseStore
from realtime.store.database.transaction import Database
from realtime.store.records import Peer, Session
from realtime.store.windows import Windows
from realtime.sweeper import Sweeper
from realtime.threads import Threads
from realtime.worker.beats import Beats
from realtime.worker.departures import Departures
from realtime.worker.hub import Hub, Identity, Watchers
from realtime.worker.session import ConnectedSession
from realtime.worker.ticker import Ticker

from .fakes import POLICY, Fickle, Wire, connect

WINDOWS = Windows(lease_ms=15_000, resume_ms=120_000, session_ms=90_000, claim_ms=30_000)
ADA = Peer(user="1", username="ada", login="digest", address="192.0.2.1")


@dataclass
class World:
    """One worker's parts. ``fickle`` is its store, ``store`` the same without the faults."""

    store: DatabaseStore
    fickle: Fickle
    threads: Threads
    sweeper: Sweeper
    name: str = "w1"
    opened: list[Session] = field(default_factory=list)
    resumed: list[Session] = field(default_factory=list)

    def __post_init__(self) -> None:
        fickle = cast(Store, self.fickle)
        self.departures = Departures(fickle, self.sweeper, worker=self.name, retry=0.001)
        self.hub = Hub(
            Identity(self.name, "host", 1),
            fickle,
            self.departures,
            Watchers(self.opened.append, self.resumed.append),
            policy=POLICY,
            max_message_size=1000,
            max_publication=1000,
            return_delay=(0, 5000),
        )
        self.hub.ticker = Ticker(
            [], beat=self.hub.beat, sessions=self.hub.connected, patience=5.0, grain=0.02
        )
        self.beats = Beats(fickle, self.sweeper, self.hub, self.departures, lease=15.0)

    def other(self, name: str) -> "World":
        """Another worker on the same store."""
        return World(self.store, Fickle(self.store), self.threads, self.sweeper, name)

    async def admit(
        self, wire: Wire, *, resume: dict[str, Any] | None = None, peer: Peer = ADA
    ) -> ConnectedSession:
        """A connection that has said hello; ``resume`` is the welcome to continue from."""
        wanted = resume and Resume(session=resume["session"], token=resume["token"])
        hello = Hello(protocol=1, resume=wanted or None)
        login = peer.login or None  # what stands for the login, here by its digest
        session = await self.hub.admit(connect(wire), hello, peer, login=login)
        assert session is not None
        await session.connection.flush()
        return session

    async def settle(self) -> None:
        """Until the store knows who has left, and every goodbye is on its wire."""
        await self.departures.settle(10.0)
        assert len(self.departures) == 0
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def history(self) -> list[ClosedSession]:
        """The closed sessions, oldest first."""
        return await self.threads.run(lambda: list(ClosedSession.objects.order_by("id")))


@pytest.fixture
async def world(transactional_db: None) -> AsyncIterator[World]:
    """A worker whose sessions are in the database."""
    threads = Threads(size=2)
    database = Database("default")
    store = DatabaseStore(database, DatabaseSessions(database, WINDOWS), threads, timeout=10.0)
    sweeper = Sweeper(store, History(database, days=30), threads, claimant="w1")
    world = World(store, Fickle(store), threads, sweeper)
    await world.beats.flush()
    yield world
    await world.departures.stop()
    await store.aclose()
    await threads.aclose()
