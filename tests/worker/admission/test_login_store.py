"""Whether logins can be read follows a probe of the worker's own."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from realtime.common.threads import Overloaded, Threads
from realtime.security.authentication import ANONYMOUS, Login, login_of, probe, verdicts
from realtime.store.contract import StoreUnavailable
from realtime.worker.admission import login_store as module
from realtime.worker.admission.login_store import PROBE_EVERY, ROLLING, LoginStore
from realtime.worker.admission.refusals import Refusals

from ..fakes import Clock, settled


class Store:
    """In place of threads: answers with what is known, or fails."""

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
        return {} if call is verdicts else None

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
    """Let so much time pass, and the ticker tick."""
    clock.now += seconds
    logins.job.tick(clock.now)
    await settled()


def outage_of(logins: LoginStore) -> module.LoginOutage | None:
    return logins.outage


async def test_where_no_login_is_asked_for_none_is_probed(
    store: Store, logins: LoginStore, clock: Clock
) -> None:
    for _ in range(3):
        await turn(clock, logins, PROBE_EVERY)
    assert (store.probes, logins.outage) == (0, None)
    assert await logins.login("k") == Login("k", "1")
    assert await logins.verdicts([Login("k", "1")]) == {}
    for _ in range(3):
        await turn(clock, logins, PROBE_EVERY)
    assert (store.probes, logins.outage) == (3, None)


async def test_an_outage_is_known_by_a_probe_and_so_is_its_end(
    store: Store, logins: LoginStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store.error = StoreUnavailable("the cache is away")
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="the cache is away"):
            await logins.login("k")
        await turn(clock, logins)
    assert store.probes == 1
    assert logins.outage == module.LoginOutage(clock.now, "the cache is away")
    began = clock.now
    store.error = StoreUnavailable("in other words")
    await turn(clock, logins, PROBE_EVERY)
    assert (store.probes, logins.outage) == (2, module.LoginOutage(began, "the cache is away"))
    store.error = None
    assert await logins.login("k") == Login("k", "1")
    assert logins.outage is not None, "one client's luck is no recovery"
    await turn(clock, logins, PROBE_EVERY)
    assert store.probes == 3
    assert outage_of(logins) is None
    await turn(clock, logins, PROBE_EVERY)
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
        await logins.verdicts([Login("k", "1")])
    store.error = None
    await turn(clock, logins)
    assert (store.probes, logins.outage, caplog.records) == (1, None, [])


async def test_many_logins_that_are_read_one_by_one_have_the_time_for_it(
    store: Store, logins: LoginStore
) -> None:
    """As those of an engine on files, or of a backend that asks a directory for each user."""
    many = [Login(str(number), "1") for number in range(500)]
    store.hangs = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, store.hangs.set)
    assert await logins.verdicts(many) == {}
    store.hangs.clear()
    with pytest.raises(StoreUnavailable, match=r"within 0\.01 s"):
        await logins.verdicts(many[:1])


async def test_a_store_that_hangs_has_one_probe_at_a_time(
    store: Store, logins: LoginStore, clock: Clock
) -> None:
    store.hangs = asyncio.Event()
    with pytest.raises(StoreUnavailable, match=r"within 0\.01 s"):
        await logins.login("k")
    await turn(clock, logins)
    async with asyncio.timeout(10):
        while logins.outage is None:
            await asyncio.sleep(0.001)
    for _ in range(3):
        await turn(clock, logins, PROBE_EVERY)
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
    assert logins.outage is not None
    assert logins.outage.words == "too many calls are waiting for a login"


async def test_a_session_that_nobody_here_has_signed_is_asked_later_for_as_long_as_a_restart_lasts(
    store: Store, logins: LoginStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.logins = {name: Login(name, unverified=True) for name in "abc"}
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="none of the keys"):
            await logins.login("a")
        clock.now += ROLLING / 2
    assert await logins.login("a") == Login("a")
    monkeypatch.setattr(module, "MAX_REMEMBERED", 2)
    for name in "bca":  # with "c" the first is forgotten
        with pytest.raises(StoreUnavailable):
            await logins.login(name)
    await turn(clock, logins)
    assert outage_of(logins) is None
