"""Fills a store and measures it, in a process of its own beside a server on the same store.

    python -m benchmarks.store ADDRESS SESSIONS REAPED STORE_PID

Takes the server's environment; prints its figures as JSON. STORE_PID is that of the store's
own server, 0 if it has none.
"""

import asyncio
import hashlib
import http.client
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.urls import reverse  # noqa: E402

from benchmarks.measure import cpu_of  # noqa: E402
from realtime import composition  # noqa: E402
from realtime.ending.sweeper import Sweeper  # noqa: E402
from realtime.store.contract import BATCH, Store  # noqa: E402
from realtime.store.records import (  # noqa: E402
    Departure,
    Peer,
    Registration,
    Session,
    SessionState,
    SessionUpdate,
    Totals,
    WorkerReport,
)

PER_WORKER = 10_000
REPEATS = 5
BEAT_INTERVAL = 25  # seconds, each with a flush of what has beaten in it
PATIENCE = 60.0  # seconds until what was suspended is due

Figures = dict[str, float]


def session_id(number: int) -> str:
    """The id of the session of this number."""
    return f"{number:032x}"


def worker_id(number: int) -> str:
    """The worker that the session of this number is connected to."""
    return f"benchmark-{number // PER_WORKER}"


def report(worker: str) -> WorkerReport:
    """A worker's report."""
    return WorkerReport(id=worker, host="benchmark", pid=1, connections=PER_WORKER)


def registration(number: int, now: int) -> Registration:
    """A session of one of a thousand users, a minute old."""
    user = number % 1000 + 1
    session = Session(
        id=session_id(number),
        state=SessionState.CONNECTED,
        generation=1,
        worker=worker_id(number),
        peer=Peer(
            user=str(user),
            username=f"user{user}",
            address=f"10.0.{user // 250}.{user % 250}",
            agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
        ),
        opened_at=now - 60_000 - number,
        connected_at=now - 60_000 - number,
        last_beat=now,
        latency_ms=12.5,
    )
    token = hashlib.sha256(session.id.encode()).hexdigest()
    return Registration(session, token, connection=session.id[-16:])


def pulse(number: int, beat: int) -> SessionUpdate:
    """The update of a session that has answered a ping."""
    totals = Totals(pings=beat, pongs=beat, frames_in=beat + 1, frames_out=beat + 1)
    return SessionUpdate(session_id(number), 1, 12.5, 0, "visible", totals)


def batches(count: int) -> Iterator[range]:
    """The numbers up to ``count``, BATCH at a time."""
    return (range(first, min(first + BATCH, count)) for first in range(0, count, BATCH))


# ------------------------------------------------------------ steps


async def fill(store: Store, count: int) -> None:
    """Connect so many sessions, each worker's with its lease."""
    now = time.time_ns() // 1_000_000
    for numbers in batches(count):
        worker = worker_id(numbers[0])
        await store.beat(report(worker), [])
        await store.register(worker, [registration(number, now) for number in numbers])


async def empty_sweeps(sweeper: Sweeper) -> Figures:
    """How long a sweep takes that finds nothing to do."""
    return {"empty_sweep_ms": statistics.median([await _sweep(sweeper) for _ in range(REPEATS)])}


async def beats(store: Store, count: int, *, store_pid: int) -> Figures:
    """The share of a core that one worker's beats take, its own and the store's part.

    A flush a second has to report a 25th of the sessions; here one follows the other.
    """
    worker = worker_id(0)
    before, store_before = time.process_time(), cpu_of(store_pid) if store_pid else 0.0
    for beat in range(1, REPEATS + 1):
        for flush in range(BEAT_INTERVAL):
            due = range(flush, min(count, PER_WORKER), BEAT_INTERVAL)
            await store.beat(report(worker), [pulse(number, beat) for number in due])
    in_worker = time.process_time() - before
    in_store = cpu_of(store_pid) - store_before if store_pid else 0.0
    seconds = REPEATS * BEAT_INTERVAL
    return {
        "beats_percent": 100 * (in_worker + in_store) / seconds,
        "beats_store_percent": 100 * in_store / seconds,
    }


async def reap(store: Store, sweeper: Sweeper, count: int) -> Figures:
    """How long a sweep takes that closes so many suspended sessions, history included."""
    for numbers in batches(count):
        gone = [Departure(pulse(number, REPEATS), 1006, "lost") for number in numbers]
        await store.suspend(worker_id(numbers[0]), gone)
    until = time.monotonic() + PATIENCE
    while (await store.overdue()).close < count:
        if time.monotonic() > until:
            raise SystemExit("the suspended sessions are not due")
        await asyncio.sleep(0.2)
    return {"reap_ms": await _sweep(sweeper, closes=count)}


async def _sweep(sweeper: Sweeper, *, closes: int = 0) -> float:
    """The milliseconds that a sweep takes."""
    began = time.perf_counter()
    done = await sweeper.sweep()
    took = 1e3 * (time.perf_counter() - began)
    if (done.suspended, done.closed) != (0, closes):
        raise SystemExit(f"a sweep that should close {closes} did this: {done}")
    return took


async def measure_store(sessions: int, reaped: int, *, store_pid: int) -> Figures:
    """Fill it, then everything but the admin. Leaves the connected ones there."""
    base = composition.build()
    try:
        await fill(base.store, sessions)
        figures = {
            **await empty_sweeps(base.sweeper),
            **await beats(base.store, sessions, store_pid=store_pid),
            **await reap(base.store, base.sweeper, reaped),
        }
        await fill(base.store, reaped)
        return figures
    finally:
        await base.aclose()


# ------------------------------------------------------------ the admin


def log_in() -> str:
    """A superuser's session cookie."""
    user = User.objects.create_superuser("benchmark")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"sessionid={session.session_key}"


def first_pages(address: str, cookie: str) -> Figures:
    """How long the server takes over the first page of live sessions, once it is warm."""
    _page(address, cookie)
    return {"page_ms": statistics.median([_page(address, cookie) for _ in range(REPEATS)])}


def _page(address: str, cookie: str) -> float:
    """The milliseconds that the page takes."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    began = time.perf_counter()
    path = reverse("admin:realtime_livesession_changelist")
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    body = answer.read().decode()
    took = 1e3 * (time.perf_counter() - began)
    connection.close()
    if answer.status != http.HTTPStatus.OK or "user1" not in body:
        raise SystemExit(f"the admin answered {answer.status}: {body[:500]}")
    return took


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    address, *numbers = arguments
    sessions, reaped, store_pid = map(int, numbers)
    cookie = log_in()
    figures = asyncio.run(measure_store(sessions, reaped, store_pid=store_pid))
    print(json.dumps({**figures, **first_pages(address, cookie)}))


if __name__ == "__main__":
    main(sys.argv[1:])
