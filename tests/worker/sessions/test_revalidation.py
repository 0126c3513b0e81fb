"""Logins are asked for again, in batches, and those that have ended are closed."""

from collections.abc import Mapping, Sequence

import pytest

from realtime.protocol.codes import CloseCode
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Peer
from realtime.worker.sessions import revalidation as module
from realtime.worker.sessions.revalidation import Revalidation

from ..conftest import WorkerHarness
from ..fakes import FakeTransport


class Judge:
    """Remembers what it was asked and knows what to answer."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.ended: dict[str, CloseCode] = {}

    async def __call__(self, digests: Sequence[str]) -> Mapping[str, CloseCode]:
        self.asked.append(sorted(digests))
        return {digest: self.ended[digest] for digest in digests if digest in self.ended}


async def admit(world: WorkerHarness, login: str, wire: FakeTransport | None = None) -> None:
    await world.admit(wire or FakeTransport(), peer=Peer(user="1", login=login))


async def test_every_login_is_asked_for_once(world: WorkerHarness) -> None:
    judge = Judge()
    for login in ("a", "b", "a", ""):
        await admit(world, login)
    await Revalidation(world.hub, judge).revalidate()
    assert judge.asked == [["a", "b"]]


async def test_all_sockets_of_an_ended_login_are_closed_and_no_other(world: WorkerHarness) -> None:
    judge, wires = Judge(), [FakeTransport() for _ in range(4)]
    for login, wire in zip("aabc", wires, strict=True):
        await admit(world, login, wire)
    judge.ended = {"a": CloseCode.LOGGED_OUT, "b": CloseCode.CREDENTIALS_CHANGED}
    await Revalidation(world.hub, judge).revalidate()
    await world.settle()
    assert [wire.closed for wire in wires] == [4503, 4503, 4008, None]
    stats = await world.store.stats()
    assert (stats.connected, stats.suspended) == (1, 1)


@pytest.mark.parametrize("later", [CloseCode.CREDENTIALS_CHANGED, None])
async def test_an_end_is_looked_at_twice(world: WorkerHarness, later: CloseCode | None) -> None:
    """Between a changed password and the session's new key everybody looks logged out."""
    judge, wire = Judge(), FakeTransport()
    await admit(world, "a", wire)
    judge.ended = {"a": CloseCode.LOGGED_OUT}

    async def looked(digests: Sequence[str]) -> Mapping[str, CloseCode]:
        answer = await judge(digests)
        judge.ended = {"a": later} if later else {}
        return answer

    await Revalidation(world.hub, looked).revalidate()
    await world.settle()
    assert judge.asked == [["a"], ["a"]]
    assert wire.closed == later


async def test_a_question_is_bounded(world: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    judge = Judge()
    for login in "abc":
        await admit(world, login)
    await Revalidation(world.hub, judge).revalidate()
    assert sorted(map(len, judge.asked)) == [1, 2]


async def test_without_logins_nobody_is_asked(world: WorkerHarness) -> None:
    judge = Judge()
    await admit(world, "")
    await Revalidation(world.hub, judge).revalidate()
    assert judge.asked == []


async def test_when_it_cannot_be_known_nobody_is_closed(world: WorkerHarness) -> None:
    async def silent(digests: Sequence[str]) -> Mapping[str, CloseCode]:
        raise StoreUnavailable("down")

    wire = FakeTransport()
    await admit(world, "a", wire)
    with pytest.raises(StoreUnavailable):
        await Revalidation(world.hub, silent).revalidate()
    assert wire.closed is None
