"""Revalidation: logins are checked in batches, and sockets of those that ended are closed."""

from collections.abc import Mapping, Sequence

import pytest

from realtime.protocol.codes import CloseCode
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Peer
from realtime.worker.sessions import revalidation as module
from realtime.worker.sessions.revalidation import Revalidation

from ..conftest import WorkerHarness
from ..fakes import FakeTransport


class FakeLogins:
    """Records the logins of each check and returns the codes in ``ended``."""

    def __init__(self) -> None:
        self.checks: list[list[str]] = []
        self.ended: dict[str, CloseCode] = {}

    async def __call__(self, digests: Sequence[str]) -> Mapping[str, CloseCode]:
        self.checks.append(sorted(digests))
        return {digest: self.ended[digest] for digest in digests if digest in self.ended}


async def admit(world: WorkerHarness, login: str, wire: FakeTransport | None = None) -> None:
    await world.admit(wire or FakeTransport(), peer=Peer(user="1", login=login))


async def test_each_login_is_checked_once(world: WorkerHarness) -> None:
    logins = FakeLogins()
    for login in ("a", "b", "a", ""):
        await admit(world, login)
    await Revalidation(world.hub, logins).revalidate()
    assert logins.checks == [["a", "b"]]


async def test_the_sockets_of_an_ended_login_are_closed_and_no_others(world: WorkerHarness) -> None:
    logins, wires = FakeLogins(), [FakeTransport() for _ in range(4)]
    for login, wire in zip("aabc", wires, strict=True):
        await admit(world, login, wire)
    logins.ended = {"a": CloseCode.LOGGED_OUT, "b": CloseCode.CREDENTIALS_CHANGED}
    await Revalidation(world.hub, logins).revalidate()
    await world.settle()
    assert [wire.closed for wire in wires] == [4503, 4503, 4008, None]
    stats = await world.store.stats()
    assert (stats.connected, stats.suspended) == (1, 1)


@pytest.mark.parametrize("later", [CloseCode.CREDENTIALS_CHANGED, None])
async def test_an_ended_login_is_checked_twice(
    world: WorkerHarness, later: CloseCode | None
) -> None:
    """Between a new password and the session's new key a login looks as if it had ended."""
    logins, wire = FakeLogins(), FakeTransport()
    await admit(world, "a", wire)
    logins.ended = {"a": CloseCode.LOGGED_OUT}

    async def check(digests: Sequence[str]) -> Mapping[str, CloseCode]:
        answer = await logins(digests)
        logins.ended = {"a": later} if later else {}
        return answer

    await Revalidation(world.hub, check).revalidate()
    await world.settle()
    assert logins.checks == [["a"], ["a"]]
    assert wire.closed == later


async def test_a_check_carries_a_bounded_batch(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    logins = FakeLogins()
    for login in "abc":
        await admit(world, login)
    await Revalidation(world.hub, logins).revalidate()
    assert sorted(map(len, logins.checks)) == [1, 2]


async def test_without_logins_nothing_is_checked(world: WorkerHarness) -> None:
    logins = FakeLogins()
    await admit(world, "")
    await Revalidation(world.hub, logins).revalidate()
    assert logins.checks == []


async def test_an_outage_closes_no_socket(world: WorkerHarness) -> None:
    async def fail(digests: Sequence[str]) -> Mapping[str, CloseCode]:
        raise StoreUnavailable("down")

    wire = FakeTransport()
    await admit(world, "a", wire)
    with pytest.raises(StoreUnavailable):
        await Revalidation(world.hub, fail).revalidate()
    assert wire.closed is None
