"""Revalidation: logins are checked in batches, and sockets of those that ended are closed."""

from collections.abc import Mapping, Sequence

import pytest

from realtime.protocol.codes import CloseCode
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Peer
from realtime.worker.sessions import revalidation as module
from realtime.worker.sessions.checked_login import CheckedLogin
from realtime.worker.sessions.revalidation import Revalidation

from ..conftest import WorkerHarness
from ..fakes import FakeTransport


class FakeLogins:
    """Records the logins of each check and returns the codes in ``ended``."""

    def __init__(self) -> None:
        self.checks: list[list[str]] = []
        self.ended: dict[str, CloseCode] = {}

    async def __call__(self, logins: Sequence[CheckedLogin]) -> Mapping[CheckedLogin, CloseCode]:
        self.checks.append(sorted(each.login.key for each in logins))
        return {each: self.ended[each.login.key] for each in logins if each.login.key in self.ended}


async def admit(harness: WorkerHarness, login: str, transport: FakeTransport | None = None) -> None:
    await harness.admit(transport or FakeTransport(), peer=Peer(user="1", login=login))


async def test_each_login_is_checked_once(harness: WorkerHarness) -> None:
    logins = FakeLogins()
    for login in ("a", "b", "a", ""):
        await admit(harness, login)
    await Revalidation(harness.hub, logins).revalidate()
    assert logins.checks == [["a", "b"]]


async def test_the_sockets_of_an_ended_login_are_closed_and_no_others(
    harness: WorkerHarness,
) -> None:
    logins, transports = FakeLogins(), [FakeTransport() for _ in range(4)]
    for login, transport in zip("aabc", transports, strict=True):
        await admit(harness, login, transport)
    logins.ended = {"a": CloseCode.LOGGED_OUT, "b": CloseCode.CREDENTIALS_CHANGED}
    await Revalidation(harness.hub, logins).revalidate()
    await harness.settle()
    assert [transport.closed for transport in transports] == [4503, 4503, 4008, None]
    stats = await harness.store.stats()
    assert (stats.connected, stats.suspended) == (1, 1)


@pytest.mark.parametrize("later", [CloseCode.CREDENTIALS_CHANGED, None])
async def test_an_ended_login_is_checked_twice(
    harness: WorkerHarness, later: CloseCode | None
) -> None:
    """Between a new password and the session's new key a login looks as if it had ended."""
    logins, transport = FakeLogins(), FakeTransport()
    await admit(harness, "a", transport)
    logins.ended = {"a": CloseCode.LOGGED_OUT}

    async def check(given: Sequence[CheckedLogin]) -> Mapping[CheckedLogin, CloseCode]:
        answer = await logins(given)
        logins.ended = {"a": later} if later else {}
        return answer

    await Revalidation(harness.hub, check).revalidate()
    await harness.settle()
    assert logins.checks == [["a"], ["a"]]
    assert transport.closed == later


async def test_a_check_carries_a_bounded_batch(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    logins = FakeLogins()
    for login in "abc":
        await admit(harness, login)
    await Revalidation(harness.hub, logins).revalidate()
    assert sorted(map(len, logins.checks)) == [1, 2]


async def test_without_logins_nothing_is_checked(harness: WorkerHarness) -> None:
    logins = FakeLogins()
    await admit(harness, "")
    await Revalidation(harness.hub, logins).revalidate()
    assert logins.checks == []


async def test_an_outage_closes_no_socket(harness: WorkerHarness) -> None:
    async def fail(logins: Sequence[CheckedLogin]) -> Mapping[CheckedLogin, CloseCode]:
        raise StoreUnavailable("down")

    transport = FakeTransport()
    await admit(harness, "a", transport)
    with pytest.raises(StoreUnavailable):
        await Revalidation(harness.hub, fail).revalidate()
    assert transport.closed is None
