"""The costs of each call of the store in Redis, and of its data: the figures of docs/scaling.md.

    python -m benchmarks.costs [SESSIONS]

Starts a redis-server of its own and fills it with so many sessions (100,000), call by call as
workers do, one after the other: each call wakes it up. Prints the CPU time of that server
(user and system) with the bytes that it was sent and has sent, per thing done; and the memory
that is kept of it. Calls "back to back" reached it a hundred at a time, as when Redis is busy.
"""

import asyncio
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from channels_redis.pubsub import RedisPubSubChannelLayer

from benchmarks.cores import LOAD, pinned
from benchmarks.measure import cpu_of
from benchmarks.redis_server import RedisServer, redis_running
from benchmarks.servers import free_port
from realtime.bus.hints import Hint, HintKind
from realtime.store.contract import BATCH
from realtime.store.params import StoreParams
from realtime.store.records import (
    Departure,
    Opening,
    Peer,
    Query,
    SessionUpdate,
    Totals,
    WorkerReport,
)
from realtime.store.redis import BlockingRedisStore, blocking_store
from realtime.store.redis.operations import RedisOperations
from realtime.store.redis.scripts import SCRIPTS, ScriptCall, ScriptCalls
from realtime.store.timeouts import Timeouts

SESSIONS = 100_000
SOME = 10_000  # sessions where not all are needed
USERS = 1000
REPEATS = 500
LONG, SHORT = 3_600_000, 1  # ms
AT_ONCE = 100
LATENCY = tuple((bucket, 50) for bucket in range(40, 100))  # the histogram of a busy worker
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


# ------------------------------------------------------------ who takes part


def session_id(number: int) -> str:
    """Of 32 letters in no order, like a real one."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def opening(number: int, *, users: int = USERS, connection: int = 1) -> Opening:
    """A browser whose user is logged in, once per user."""
    user = number % users
    digest = hashlib.sha256(str(user).encode()).hexdigest()
    address = f"10.{user >> 16}.{user >> 8 & 255}.{user & 255}"
    peer = Peer(str(user), f"user{user}", digest, address, AGENT)
    key = f"{connection:08x}{number:024x}"
    return Opening(session_id(number), digest, key, report(0).id, peer)


def pulse(number: int, *, generation: int = 1) -> SessionUpdate:
    """The news of a session that has answered a ping."""
    totals = Totals(pings=100, pongs=100, frames_in=120, frames_out=130)
    return SessionUpdate(session_id(number), generation, 12.5, 0, "visible", totals)


def report(number: int) -> WorkerReport:
    """A worker's report; its id is as long as a real one."""
    return WorkerReport(f"{number:016x}", "host", 1, 100, 5, 5, 0, LATENCY)


def batches(count: int, size: int = BATCH) -> Iterator[range]:
    """The numbers up to ``count``, so many at a time."""
    return (range(first, min(first + size, count)) for first in range(0, count, size))


def timeouts(resume_ms: int) -> Timeouts:
    """Nothing ends by itself but what is suspended."""
    return Timeouts(lease_ms=LONG, resume_ms=resume_ms, session_ms=LONG, claim_ms=LONG)


# ------------------------------------------------------------ how it is measured


class Scales:
    """Weigh what a server does."""

    def __init__(self, server: RedisServer) -> None:
        self.url = server.url
        self._pid = server.pid
        self._client = redis.Redis.from_url(server.url)

    def store(self, *, resume_ms: int = LONG) -> BlockingRedisStore:
        """A store with this resume window, empty."""
        self._client.flushall()
        params = StoreParams(timeouts=timeouts(resume_ms), prefix="realtime", timeout=60.0)
        return blocking_store(self.url, params)

    def weigh(self, name: str, call: Callable[[], object], *, of: int) -> None:
        """Print what a call takes and keeps that does so many things, per thing."""
        before, cpu = self._counters(), cpu_of(self._pid)
        call()
        cpu = 1e6 * (cpu_of(self._pid) - cpu) / of
        received, sent, kept = (
            (after - was) / of for was, after in zip(before, self._counters(), strict=True)
        )
        print(f"{name:38} {cpu:7.1f} µs {received:7.0f} B in {sent:7.0f} B out {kept:7.0f} B kept")

    def back_to_back(self, call: ScriptCall) -> None:
        """Make a call REPEATS times, AT_ONCE in a row without waiting for an answer."""
        sha = self._client.script_load(SCRIPTS[call.script])
        for _ in range(REPEATS // AT_ONCE):
            pipeline = self._client.pipeline(transaction=False)
            for _ in range(AT_ONCE):
                pipeline.evalsha(sha, 1, "{realtime}:", call.payload)
            pipeline.execute()

    def round_trip(self) -> None:
        """The cheapest command there is."""
        self._client.ping()

    def _counters(self) -> tuple[int, int, int]:
        info = self._client.info()
        names = ("total_net_input_bytes", "total_net_output_bytes", "used_memory")
        received, sent, used = (int(info[name]) for name in names)
        return received, sent, used


# ------------------------------------------------------------ what is measured


def of_sessions(scales: Scales, sessions: int) -> None:
    """From the first connect to a resume."""
    store = scales.store()

    def connect() -> None:
        for number in range(sessions):
            store.open(opening(number))

    def resume() -> None:
        for number in range(SOME):
            store.resume(opening(number, connection=2))

    scales.weigh("connect", connect, of=sessions)
    scales.weigh("a flush with 1 beat", lambda: beat(store, 1, REPEATS), of=REPEATS)
    scales.weigh("a flush with 40 beats", lambda: beat(store, 40, 100), of=100)
    scales.weigh("a flush with 400 beats", lambda: beat(store, 400, 25), of=25)
    scales.weigh("disconnect, 1 in a call", lambda: leave(store, size=1), of=SOME)
    scales.weigh("resume", resume, of=SOME)
    scales.weigh("disconnect, 500 in a call", lambda: leave(store, generation=2), of=SOME)
    scales.weigh("the first page", lambda: again(lambda: store.page(Query())), of=REPEATS)


def beat(store: BlockingRedisStore, size: int, calls: int) -> None:
    """So many flushes, each with the news of so many sessions."""
    for numbers in list(batches(size * calls, size)):
        store.beat(report(0), [pulse(number) for number in numbers])


def leave(store: BlockingRedisStore, *, size: int = BATCH, generation: int = 1) -> None:
    """The connections of some sessions end."""
    for numbers in batches(SOME, size):
        gone = [pulse(number, generation=generation) for number in numbers]
        store.suspend(report(0).id, [Departure(each, 1001, "going away") for each in gone])


def again(call: Callable[[], object]) -> None:
    """Make the same call many times."""
    for _ in range(REPEATS):
        call()


def of_ends(scales: Scales) -> None:
    """Sessions that were suspended are closed by a sweep."""
    store = scales.store(resume_ms=SHORT)
    for number in range(SOME):
        store.open(opening(number))
    leave(store)
    time.sleep(0.1)

    def sweep() -> None:
        while claimed := store.sweep("costs").claimed:
            store.confirm([session.id for session in claimed])

    scales.weigh("close, by a sweep", sweep, of=SOME)
    scales.weigh("a sweep with nothing to do", lambda: again(sweep), of=REPEATS)


def of_users(scales: Scales) -> None:
    """Sessions of which each has a user, a login and an address of its own."""
    store = scales.store()

    def connect() -> None:
        for number in range(SOME):
            store.open(opening(number, users=SOME))

    scales.weigh("connect, the only one of its user", connect, of=SOME)


def of_workers(scales: Scales, workers: int) -> None:
    """The costs that grow with the number of workers."""
    store = scales.store()

    def arrive() -> None:
        for number in range(workers):
            store.beat(report(number), [])

    scales.weigh(f"{workers} workers: arrive", arrive, of=workers)
    flush = lambda: again(lambda: store.beat(report(0), []))  # noqa: E731
    scales.weigh(f"{workers} workers: a flush without news", flush, of=REPEATS)
    call = next(RedisOperations(ScriptCalls(timeouts(LONG))).beat(report(0), [], suspend_lost=True))
    scales.weigh("… back to back", lambda: scales.back_to_back(call), of=REPEATS)
    scales.weigh(f"{workers} workers: the numbers", lambda: again(store.stats), of=REPEATS)


def of_hints(scales: Scales, workers: int) -> None:
    """A hint to all workers, through the channel layer."""
    with asyncio.Runner() as runner:
        layers = [RedisPubSubChannelLayer(hosts=[scales.url]) for _ in range(workers)]
        channels = [runner.run(_join(layer)) for layer in layers]
        message = Hint(HintKind.RESUMED, (session_id(0),)).message()

        async def tell() -> None:
            for _ in range(REPEATS):
                await layers[0].group_send("workers", message)
                places = zip(layers, channels, strict=True)
                await asyncio.gather(*(layer.receive(channel) for layer, channel in places))

        scales.weigh(f"{workers} workers: a hint", lambda: runner.run(tell()), of=REPEATS)
        for layer in layers:
            runner.run(layer.flush())


async def _join(layer: RedisPubSubChannelLayer) -> str:
    channel: str = await layer.new_channel()
    await layer.group_add("workers", channel)
    return channel


def main(sessions: int = SESSIONS) -> None:
    """Measure and print."""
    with (
        pinned(LOAD),
        tempfile.TemporaryDirectory() as folder,
        redis_running(Path(folder), free_port()) as server,
    ):
        scales = Scales(server)
        scales.weigh("PING", lambda: again(scales.round_trip), of=REPEATS)
        of_sessions(scales, sessions)
        of_ends(scales)
        of_users(scales)
        for workers in (1, 10, 100, 1000):
            of_workers(scales, workers)
        for workers in (10, 100):
            of_hints(scales, workers)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
