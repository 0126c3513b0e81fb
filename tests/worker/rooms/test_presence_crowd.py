"""A room of 10,000 sessions, one of whose two workers restarts: few frames and the right end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import pytest
from django.db import connections
from msgspec.structs import replace

from realtime.protocol.presence_messages import MAX_LISTED
from realtime.store.contract import BATCH, BlockingStore
from realtime.store.records import PresenceAnswer, Registration, Session
from realtime.store.timeouts import Timeouts
from realtime.worker.rooms.presence import POLL_INTERVAL, Presences
from realtime.worker.rooms.room import Member
from tests.presence_picture import Picture
from tests.store.builders import beat, opened, opening, returning
from tests.store.store_fixtures import STORE_FIXTURES, StoreFixture

from ..fakes import Clock, FakeTransport, connect

T = TypeVar("T")

SIZE = 10_000
WATCHERS = 20
RESUME = 30  # seconds
# Sessions need no beats here.
TIMEOUTS = Timeouts(lease_ms=15_000, resume_ms=1000 * RESUME, session_ms=10**9, claim_ms=30_000)
ROOM = "news"


class Watcher:
    """A client's picture, and when each change came."""

    def __init__(self, presences: Presences, clock: Clock) -> None:
        self.member, self.clock = cast(Member, self), clock
        self.transport = FakeTransport()
        self.connection = connect(self.transport)
        self.picture = Picture()
        self.counts = (0, 0)
        self.changed_at: list[float] = []
        self._applied = 0

    def apply(self) -> None:
        """Apply the frames that have come since the last call."""
        frames = self.transport.messages[self._applied :]
        self._applied += len(frames)
        for frame in frames:
            self.counts = (frame["sessions"], frame["users"])
            self.picture.apply(frame)
            if "id" not in frame:
                self.changed_at.append(self.clock.now)


class Crowd:
    """The room: half of its users are at w1, the others at w2."""

    def __init__(self, backend: StoreFixture, users: int) -> None:
        self.backend, self.store, self.users = backend, backend.store, users
        for worker in ("w1", "w2", "w3"):
            beat(self.store, worker)
        first = opened(self.store, opening("s00000", presence={ROOM: '{"n":0}'}, user="u0"))
        self.sessions = [self._session(first, number) for number in range(SIZE)]

    def _session(self, first: Session, number: int) -> Session:
        user = number % self.users
        worker = "w1" if user < self.users // 2 else "w2"
        peer = replace(first.peer, user=f"u{user}")
        return replace(first, id=f"s{number:05}", worker=worker, peer=peer)

    def arrive(self) -> None:
        for worker in ("w1", "w2"):
            own = [session for session in self.sessions if session.worker == worker]
            for batch in _batches(own):
                self.store.register(worker, [_registration(session) for session in batch])

    def restart(self) -> Iterator[None]:
        """w2 leaves; most of its sessions come back to w3, the others never. Pauses in between."""
        self.store.leave("w2")
        yield
        away = [session for session in self.sessions if session.worker == "w2"]
        back = [session for session in away if not self._is_gone(session)]
        for session in back[:100]:
            user = session.peer.user
            own = {"user": user, "worker": "w3", "presence": {ROOM: '{"n":1}'}}
            assert isinstance(self.store.resume(returning(session.id, **own)), Session)
        yield
        for batch in _batches(back[100:]):
            resumed = [replace(session, worker="w3", generation=2) for session in batch]
            self.store.register("w3", [_registration(session, 1) for session in resumed])
            yield
        self.backend.advance(RESUME + 1)
        for worker in ("w1", "w3"):
            beat(self.store, worker)
        while swept := self.store.sweep("w1").claimed:
            self.store.confirm([session.id for session in swept])
            yield

    def _is_gone(self, session: Session) -> bool:
        """Whether it does not come back: a tenth of all users."""
        return int(session.peer.user[1:]) >= self.users * 9 // 10


def _decoded(listed: dict[str, str] | None) -> dict[str, Any] | None:
    return None if listed is None else {user: json.loads(data) for user, data in listed.items()}


def _registration(session: Session, number: int = 0) -> Registration:
    own = (f"token of {session.id}", f"{session.id}, first")
    return Registration(session, *own, presence={ROOM: f'{{"n":{number}}}'})


def _batches(sessions: list[Session]) -> Iterator[list[Session]]:
    return (sessions[start : start + BATCH] for start in range(0, len(sessions), BATCH))


@pytest.fixture(
    params=[
        pytest.param("database", marks=pytest.mark.django_db(transaction=True)),
        pytest.param("redis", marks=pytest.mark.server),
    ]
)
def backend(request: pytest.FixtureRequest) -> Iterator[StoreFixture]:
    ground, make = STORE_FIXTURES[request.param]
    backend = make(request.getfixturevalue(ground), TIMEOUTS)
    yield backend
    backend.close()


async def watch(presences: Presences, clock: Clock) -> list[Watcher]:
    watchers = [Watcher(presences, clock) for _ in range(WATCHERS)]
    for watcher in watchers:
        prepared = await presences.prepare(ROOM)
        presences.watch(ROOM, watcher.member, watcher.connection, prepared=prepared, id=1)
    return watchers


class StoreThread:
    """The one thread that uses the store."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)

    def close(self) -> None:
        self._pool.submit(connections.close_all)
        self._pool.shutdown()


@pytest.fixture
async def thread() -> AsyncIterator[StoreThread]:
    thread = StoreThread()
    yield thread
    thread.close()


async def presences_of(store: BlockingStore, clock: Clock, thread: StoreThread) -> Presences:
    incarnations = [(await thread.run(store.presence, {})).incarnation]

    async def read(rooms: Mapping[str, str]) -> PresenceAnswer:
        answer = await thread.run(store.presence, rooms)
        incarnations.append(answer.incarnation)
        return answer

    presences = Presences(read)
    presences._loop = cast(Any, clock)
    presences.settled = lambda: incarnations[-1]
    return presences


@pytest.mark.parametrize("users", [SIZE, 150], ids=["counted", "listed"])
async def test_a_worker_of_a_large_room_restarts(
    backend: StoreFixture, users: int, thread: StoreThread
) -> None:
    crowd, clock = await thread.run(Crowd, backend, users), Clock()
    presences = await presences_of(crowd.store, clock, thread)
    watchers = await watch(presences, clock)

    async def pass_a_moment() -> None:
        clock.now += POLL_INTERVAL
        await presences.poll()
        for watcher in watchers:
            await watcher.connection.flush()
            watcher.apply()

    await thread.run(crowd.arrive)
    for _ in range(8):
        await pass_a_moment()
    assert {watcher.counts for watcher in watchers} == {(SIZE, users)}
    before = [len(watcher.changed_at) for watcher in watchers]
    steps = crowd.restart()
    while await thread.run(lambda: next(steps, "over")) != "over":
        await pass_a_moment()
    for _ in range(8):
        await pass_a_moment()

    found = (await thread.run(crowd.store.presence, {ROOM: ""})).rooms[ROOM]
    gone = users - users * 9 // 10
    assert (found.users, found.listed is None) == (users - gone, users > MAX_LISTED)
    for watcher, count in zip(watchers, before, strict=True):
        assert len(watcher.changed_at) > count
        assert watcher.counts == (found.sessions, found.users)
        assert watcher.picture.users == _decoded(found.listed)
        pauses = zip(watcher.changed_at, watcher.changed_at[1:], strict=False)
        assert all(later - earlier >= 1.0 for earlier, later in pauses)
