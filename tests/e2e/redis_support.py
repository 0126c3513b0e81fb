"""The demo project on a real Redis, and the registry as any process may read it there."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import redis

from realtime.store.contract import BlockingStore
from realtime.store.params import StoreParams
from realtime.store.records import Query, Session
from realtime.store.redis import blocking_store
from realtime.store.timeouts import Timeouts
from tests.redis_server import RedisServer

from .support import Client, Project

PREFIX = "realtime"


class RedisProject:
    """A project whose sessions are in Redis and whose every process writes down its signals.

    ``url`` may lead through a proxy; what the test itself reads, it reads directly.
    """

    def __init__(
        self, template: Path, folder: Path, server: RedisServer, *, url: str = "", **settings: float
    ) -> None:
        self.redis = server
        self._signals = folder / "signals"
        self._settings = {"lease": 2.0, "resume_window": 4.0, "claim_timeout": 3.0, **settings}
        self.project = Project.copy(
            template,
            folder,
            environ={
                "DJANGO_SETTINGS_MODULE": "tests.e2e.project_settings",
                "SIGNAL_LOG": str(self._signals),
                "REDIS_URL": url or server.url,
            },
            **{"flush_interval": 0.3, "sweep_interval": 0.5, **self._settings},
        )

    @property
    def store(self) -> BlockingStore:
        """The registry, read from this process."""
        chosen = {
            name: round(self._settings[name] * 1000)
            for name in ("lease", "resume_window", "claim_timeout")
        }
        timeouts = Timeouts(
            lease_ms=chosen["lease"],
            resume_ms=chosen["resume_window"],
            session_ms=round(self._settings.get("session_timeout", 90.0) * 1000),
            claim_ms=chosen["claim_timeout"],
        )
        return blocking_store(
            self.redis.url, StoreParams(timeouts=timeouts, prefix=PREFIX, timeout=10.0)
        )

    def sessions(self) -> tuple[Session, ...]:
        """All sessions in the registry."""
        return self.store.page(Query(), limit=100_000).sessions

    def states(self) -> Counter[str]:
        """How many are in which state."""
        return Counter(session.state.value for session in self.sessions())

    def state(self, id_: str) -> str:
        """Where a session stands; "closed" once the registry does not show it."""
        session = self.store.get(id_)
        return session.state.value if session else "closed"

    def holds(self, clients: Iterable[Client]) -> bool:
        """Whether the registry has exactly the sessions of these clients, each connected."""
        there = {s.id for s in self.sessions() if s.state.value == "connected"}
        return there == {client.id for client in clients} and self.states().total() == len(there)

    def rows(self) -> Counter[str]:
        """How many rows of the history each session has."""
        found = self.project.rows("SELECT session FROM realtime_closedsession")
        return Counter(row["session"] for row in found)

    def signals(self, name: str) -> Counter[str]:
        """How often a signal was sent for each session, by all processes together."""
        if not self._signals.exists():
            return Counter()
        lines = [line.split() for line in self._signals.read_text().splitlines()]
        return Counter(line[1] for line in lines if line[0] == name)


def keys_of(server: RedisServer) -> set[str]:
    """The names of everything that is in Redis."""
    with server.client() as client:
        return {key.decode() for key in _all(client)}


def _all(client: "redis.Redis") -> Iterable[bytes]:
    return client.scan_iter(count=1000)
