"""The login store: reads, time limits, and the probe that finds outages."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from realtime.common.threads import Overloaded, Threads
from realtime.security.authentication import ANONYMOUS, Login, ended_logins, login_of, probe
from realtime.store.contract import StoreUnavailable
from realtime.worker.admission import login_store as module
from realtime.worker.admission.login_store import PROBE_INTERVAL, ROLLING_RESTART, LoginStore
from realtime.worker.admission.refusals import Refusals

from ..fakes import Clock, settled


class Store:
    """Replaces the threads: answers from ``logins``, or fails with ``error``."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs: asyncio.Event | None = None
        self.logins = {"k": Login("k", "1")}
        self.calls: list[Callable[..., Any]] = []

    async def run(self, call: Callable[..., Any], *args: Any) -> Any:
        self.calls.append(call)
        if self.hangs:
            await self.hangs.wait()
        if self.error:
            raise self.error
        if call is login_of:
            return self.logins.get(args[0], ANONYMOUS)
        return {} if call is ended_logins else None

    @property
    def probes(self) -> int:
        return self.calls.count(probe)


@pytest.fixture
async def store() -> Store:
    return Store()


@pytest.fixture
async def logins(store: Store, clock: Clock) -> LoginStore:
    logins = LoginStore(cast(Threads, store), Refusals(clock=clock.time), timeout=0.01)
    logins.job.schedule(clock.now)
    return logins


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


async def turn(clock: Clock, logins: LoginStore, seconds: float = 0.0) -> None:
    """Let this time pass, and tick."""
    clock.now += seconds
    logins.job.tick(clock.now)
    await settled()


def outage_of(logins: LoginStore) -> str | None:
    """The cause of the outage that the probe has found, if any."""
    return logins._refusals.failing.get("login_store")


async def test_without_reads_there_is_no_probe(
    store: Store, logins: LoginStore, clock: Clock
) -> None:
    for _ in range(3):
        await turn(clock, logins, PROBE_INTERVAL)
    assert (store.probes, outage_of(logins)) == (0, None)
    assert await logins.login("k") == Login("k", "1")
    assert await logins.ended_logins([Login("k", "1")]) == {}
    for _ in range(3):
        await turn(clock, logins, PROBE_INTERVAL)
    assert (store.probes, outage_of(logins)) == (3, None)


async def test_a_probe_finds_an_outage_and_its_end(
    store: Store, logins: LoginStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store.error = StoreUnavailable("the cache is away")
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="the cache is away"):
            await logins.login("k")
        await turn(clock, logins)
    assert store.probes == 1
    assert outage_of(logins) == "the cache is away"
    store.error = StoreUnavailable("in other words")
    await turn(clock, logins, PROBE_INTERVAL)
    assert (store.probes, outage_of(logins)) == (2, "in other words")
    store.error = None
    assert await logins.login("k") == Login("k", "1")
    assert outage_of(logins), "one client's luck is no recovery"
    await turn(clock, logins, PROBE_INTERVAL)
    assert store.probes == 3
    assert outage_of(logins) is None
    await turn(clock, logins, PROBE_INTERVAL)
    assert store.probes == 4
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("ERROR", "connections are refused, login_store: the cache is away"),
        ("WARNING", "connections are refused no more, login_store: 0 were, in 10.0 s"),
    ]


async def test_a_call_that_fails_alone_is_no_outage(
    store: Store, logins: LoginStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store.error = StoreUnavailable("this key")
    with pytest.raises(StoreUnavailable):
        await logins.ended_logins([Login("k", "1")])
    store.error = None
    await turn(clock, logins)
    assert (store.probes, outage_of(logins), caplog.records) == (1, None, [])


async def test_many_logins_have_more_time(store: Store, logins: LoginStore) -> None:
    """Engines on files, or backends with a directory, look logins up one by one."""
    many = [Login(str(number), "1") for number in range(500)]
    store.hangs = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, store.hangs.set)
    assert await logins.ended_logins(many) == {}
    store.hangs.clear()
    with pytest.raises(StoreUnavailable, match=r"within 0\.01 s"):
        await logins.ended_logins(many[:1])


async def test_a_store_that_hangs_has_one_probe_at_a_time(
    store: Store, logins: LoginStore, clock: Clock
) -> None:
    store.hangs = asyncio.Event()
    with pytest.raises(StoreUnavailable, match=r"within 0\.01 s"):
        await logins.login("k")
    await turn(clock, logins)
    async with asyncio.timeout(10):
        while outage_of(logins) is None:
            await asyncio.sleep(0.001)
    for _ in range(3):
        await turn(clock, logins, PROBE_INTERVAL)
    assert store.probes == 1
    store.hangs.set()
    await settled()
    assert store.probes == 1
    assert outage_of(logins) is None
    await logins.job.stop()


async def test_too_many_calls_are_an_outage(store: Store, logins: LoginStore, clock: Clock) -> None:
    store.error = Overloaded()
    with pytest.raises(StoreUnavailable, match="too many calls"):
        await logins.login("k")
    await turn(clock, logins)
    assert outage_of(logins) == "too many calls are waiting for a login"


async def test_an_unverified_session_is_retried_for_as_long_as_a_restart_lasts(
    store: Store, logins: LoginStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.logins = {name: Login(name, unverified=True) for name in "abc"}
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="none of the keys"):
            await logins.login("a")
        clock.now += ROLLING_RESTART / 2
    assert await logins.login("a") == Login("a")
    monkeypatch.setattr(module, "MAX_UNVERIFIED", 2)
    for name in "bca":  # with "c" the first is forgotten
        with pytest.raises(StoreUnavailable):
            await logins.login(name)
    await turn(clock, logins)
    assert outage_of(logins) is None
