"""Login renewal: a connected session gets the login of a new token, or ends."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import pytest

from realtime.protocol.codes import CloseCode
from realtime.security.authentication import Login, digest_of
from realtime.store.contract import StoreUnavailable
from realtime.store.records import SessionState
from realtime.worker.admission.handlers import Handlers
from realtime.worker.admission.identification import Identification
from realtime.worker.admission.login_checks import LoginChecks
from realtime.worker.admission.login_renewal import LoginRenewal
from realtime.worker.sessions.checked_login import CheckedLogin
from realtime.worker.sessions.session import ConnectedSession

from ..conftest import ADA, FakeApplication, WorkerHarness, handlers_of
from ..fakes import FakeTransport, settled


class Tokens(FakeApplication):
    """Tokens "user:id" lead to their user; those in ``revoked`` have ended."""

    revoked: set[str] = set()

    @classmethod
    async def ended_tokens(cls, logins: Sequence[Login]) -> Iterable[Login]:
        return [login for login in logins if login.key in cls.revoked]

    async def authenticate(self) -> Login:
        if self.auth is None:
            return await super().authenticate()
        user, _, key = self.auth.partition(":")
        return Login(key, user, "ada", is_token=True, expires_at=4e9)


@pytest.fixture(autouse=True)
def nothing_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokens, "revoked", set())


class Renewing:
    """A session of user 1 with the token "old", and its renewals."""

    def __init__(self, harness: WorkerHarness) -> None:
        self.harness = harness
        self.transport = FakeTransport()
        self.session: ConnectedSession
        self.handlers: Handlers = handlers_of(Tokens(ADA))
        checks = LoginChecks(harness.ended_logins, self.handlers._threads)  # type: ignore[arg-type]
        self.checks = checks
        self.renewal = LoginRenewal(
            harness.hub,
            harness.renewal._store,
            Identification(checks.ended_logins, allow_anonymous=False),
            registered=harness.beats.registered,
        )

    async def begin(self) -> None:
        self.session = await self.harness.admit(self.transport)
        await self.renew("1:old")

    async def renew(self, token: str) -> None:
        await self.renewal.renew(self.session, self.handlers, token)

    async def revoke(self, key: str) -> None:
        """As an application does: in its tokens, then here."""
        Tokens.revoked.add(key)
        await self.revoke_here(key)

    async def revoke_here(self, key: str) -> None:
        await self.harness.store.request_close(
            login=digest_of(key), code=CloseCode.LOGGED_OUT.value, reason="revoked"
        )

    async def revalidate(self) -> None:
        login = self.session.login
        assert login is not None
        if ended := (await self.checks.ended_logins([login])).get(login):
            self.harness.hub.end(self.session, ended)

    async def end(self) -> int | None:
        """The close code, once the worker has reported to the store."""
        await self.harness.beats.flush()
        await self.harness.settle()
        return self.transport.closed


@pytest.fixture
async def renewing(harness: WorkerHarness) -> Renewing:
    renewing = Renewing(harness)
    await renewing.begin()
    return renewing


async def test_the_store_and_the_session_have_the_new_login(renewing: Renewing) -> None:
    await renewing.renew("1:new")
    session = renewing.session
    assert session.login == CheckedLogin(Login("new", "1", "ada", is_token=True), Tokens)
    assert session.record.peer.login == digest_of("new")
    assert session.expires_at == 4e9
    known = await renewing.harness.store.get(session.id)
    assert known is not None
    assert known.peer.login == digest_of("new")
    assert renewing.handlers.application.peer.login == digest_of("new")
    assert await renewing.end() is None


async def test_a_token_of_another_user_ends_the_session(renewing: Renewing) -> None:
    await renewing.renew("2:new")
    assert await renewing.end() == 4501
    assert renewing.transport.goodbye["reason"] == "expected a login of the same user"
    assert await renewing.harness.store.get(renewing.session.id) is None


async def test_a_token_of_no_user_ends_the_session(renewing: Renewing) -> None:
    await renewing.renew(":new")
    assert await renewing.end() == 4501


class Gated:
    """The store of a renewal; ``change_login`` waits at its beginning and at its end."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.reached = asyncio.Event(), asyncio.Event()
        self.gates = asyncio.Event(), asyncio.Event()

    async def change_login(self, *named: str) -> Any:
        await self._pass(0)
        answer = await self._store.change_login(*named)
        await self._pass(1)
        return answer

    async def _pass(self, number: int) -> None:
        self.reached[number].set()
        await self.gates[number].wait()


STEPS = ("revoked in the application", "revoked here", "stored", "checked")
ORDERS = [order for order in permutations(STEPS) if order.index("stored") < order.index("checked")]


@pytest.mark.parametrize("order", ORDERS)
async def test_a_token_revoked_while_it_is_brought_is_out(
    renewing: Renewing, order: tuple[str, ...]
) -> None:
    """In all orders of the four steps of both."""
    gated = Gated(renewing.harness.store)
    renewing.renewal._store = gated  # type: ignore[assignment]
    task = asyncio.create_task(renewing.renew("1:new"))
    await gated.reached[0].wait()
    for step in order:
        match step:
            case "revoked in the application":
                Tokens.revoked.add("new")
            case "revoked here":
                await renewing.revoke_here("new")
            case "stored":
                gated.gates[0].set()
                await gated.reached[1].wait()
            case "checked":
                gated.gates[1].set()
                await task
    assert await renewing.end() == 4503


@pytest.mark.parametrize("when", range(3))
async def test_without_a_call_of_ours_the_next_revalidation_finds_it(
    renewing: Renewing, when: int
) -> None:
    """Revoked before the store has the new login, before the check, or after it."""
    gated = Gated(renewing.harness.store)
    renewing.renewal._store = gated  # type: ignore[assignment]
    task = asyncio.create_task(renewing.renew("1:new"))
    for number in range(2):
        await gated.reached[number].wait()
        if number == when:
            Tokens.revoked.add("new")
        gated.gates[number].set()
    await task
    Tokens.revoked.add("new")
    await renewing.revalidate()
    assert await renewing.end() == 4503


class Confused(Tokens):
    """Returns keys, not logins."""

    @classmethod
    async def ended_tokens(cls, logins: Sequence[Login]) -> Any:
        return [login.key for login in logins if login.key in cls.revoked]


async def test_a_check_that_returns_no_logins_fails(renewing: Renewing) -> None:
    """Instead of ending nothing, silently."""
    Tokens.revoked.add("new")
    renewing.handlers = handlers_of(Confused(ADA))
    with pytest.raises(TypeError, match=r"Confused\.ended_tokens: expected some of the logins"):
        await renewing.renew("1:new")
    assert renewing.session.login is not None
    assert renewing.session.login.login.key == "old"


async def test_the_former_token_may_end_once_the_new_one_counts(renewing: Renewing) -> None:
    await renewing.renew("1:new")
    await renewing.revoke("old")
    await renewing.revalidate()
    assert await renewing.end() is None


async def test_the_former_token_that_ends_before_takes_the_session_along(
    renewing: Renewing,
) -> None:
    await renewing.revoke("old")
    await renewing.renew("1:new")
    assert await renewing.end() == 4503


async def test_a_store_that_is_away_changes_no_login(renewing: Renewing) -> None:
    renewing.harness.flaky_store.down = True
    with pytest.raises(StoreUnavailable):
        await renewing.renew("1:new")
    renewing.harness.flaky_store.down = False
    assert renewing.session.login is not None
    assert renewing.session.login.login.key == "old"
    await renewing.renew("1:new")  # asked again
    assert renewing.session.login.login.key == "new"


async def test_a_session_that_the_store_does_not_have_now_keeps_its_login(
    renewing: Renewing,
) -> None:
    renewing.session.key = "of another connection"  # type: ignore[misc]
    with pytest.raises(StoreUnavailable, match="does not have this session"):
        await renewing.renew("1:new")
    assert renewing.session.login is not None
    assert renewing.session.login.login.key == "old"


async def test_a_registration_under_way_is_awaited(renewing: Renewing) -> None:
    """Or else it would put the former digest back."""
    idle = asyncio.Event()
    renewing.renewal._registered = idle.wait
    task = asyncio.create_task(renewing.renew("1:new"))
    await settled()
    assert renewing.session.record.peer.login == digest_of("old")
    idle.set()
    await task
    registration = renewing.session.as_registration(0.0)
    assert registration.session.peer.login == digest_of("new")
    assert registration.session.state is SessionState.CONNECTED
