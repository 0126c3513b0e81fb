"""Logins that expire: when clients are asked for new ones, and when connections end."""

import pytest

from realtime.security.authentication import Login
from realtime.worker.sessions import session as module
from realtime.worker.sessions.login_expiry import next_look
from realtime.worker.sessions.session import ConnectedSession

from ..conftest import FakeApplication, WorkerHarness
from ..fakes import Clock, FakeTransport


@pytest.mark.parametrize(
    ("remaining", "wait"),
    [
        (3600.0, 3570.0),
        (90.0, 60.0),
        (60.0, 30.0),
        (30.0, 15.0),
        (4.0, 2.0),
        (1.0, 1.0),
        (0.5, 0.5),
    ],
)
def test_a_login_is_asked_about_before_its_end(remaining: float, wait: float) -> None:
    assert next_look(remaining) == wait


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The wall clock of sessions, which shows the same as their monotonic one."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


async def expiring(harness: WorkerHarness, transport: FakeTransport) -> ConnectedSession:
    session = await harness.admit(transport)
    session.set_login(session.login, 1040.0, 1000.0)
    return session


async def test_its_client_is_asked_again_until_it_has_expired(
    harness: WorkerHarness, clock: Clock
) -> None:
    transport = FakeTransport()
    session = await expiring(harness, transport)
    asked = []
    while not transport.closed:
        clock.now = session.due
        harness.hub.tick(session, clock.now)
        await harness.settle()
        asked = [m["in"] for m in transport.messages if m["type"] == "auth_expiring"]
    assert asked == [20_000, 10_000, 5000, 2500, 1250, 625]
    assert (transport.goodbye["code"], transport.goodbye["reconnect"]) == (4008, True)
    assert clock.now == 1040.0
    assert (await harness.store.get(session.id)) is not None  # it waits for its client


async def test_a_wall_clock_that_was_set_back_ends_nothing(
    harness: WorkerHarness, clock: Clock
) -> None:
    transport = FakeTransport()
    session = await expiring(harness, transport)
    clock.now -= 600
    assert not session.tick_login(1040.0)
    assert session.due == 1040.0 + 610
    assert transport.closed is None


def test_the_time_of_a_login_is_in_unix_seconds() -> None:
    assert Login("", expires_at=1_800_000_000).expires_at == 1_800_000_000
    for wrong in (1_800_000_000_000, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="unix seconds"):
            Login("", expires_at=wrong)
    for kind in ("1800000000", True):
        with pytest.raises(TypeError, match="timestamp"):
            Login("", expires_at=kind)  # type: ignore[arg-type]


async def test_a_session_begins_with_the_time_of_its_login(harness: WorkerHarness) -> None:
    class Expiring(FakeApplication):
        async def authenticate(self) -> Login:
            return Login("k", "1", "ada", expires_at=4e9, is_token=True)

    session = await harness.admit(FakeTransport(), application=Expiring)
    assert session.expires_at == 4e9
    assert session.login is not None
    assert session.login.application is Expiring
