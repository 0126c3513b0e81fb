"""Identification: the login, the peer, the rooms of a hello, and logins that end meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest

from realtime.protocol.codes import CloseCode
from realtime.protocol.messages import Hello
from realtime.store.contract import LoginsUnavailable, StoreUnavailable
from realtime.store.records import Peer
from realtime.worker.admission import identification as module
from realtime.worker.admission.identification import Identification
from realtime.worker.sessions.checked_login import CheckedLogin

from ..conftest import ADA, FakeApplication, handlers_of
from ..fakes import FakeTransport, connect, settled

HELLO = Hello(protocol=1, rooms=dict.fromkeys(["open:a", "shut"]))


class EndedLogins:
    """Answers with ``code`` for every login."""

    def __init__(self) -> None:
        self.code: CloseCode | None = None
        self.checks = 0

    async def __call__(self, logins: Sequence[CheckedLogin]) -> dict[CheckedLogin, CloseCode]:
        self.checks += 1
        return dict.fromkeys(logins, self.code) if self.code else {}


@pytest.fixture
def ended() -> EndedLogins:
    return EndedLogins()


@pytest.fixture
def identification(ended: EndedLogins) -> Identification:
    return Identification(ended, allow_anonymous=False)


async def test_the_application_learns_its_peer_before_its_rooms_are_authorized(
    identification: Identification,
) -> None:
    class Application(FakeApplication):
        async def authorize(self, room: str, action: str) -> bool:
            return self.peer == ADA and await super().authorize(room, action)

    application = Application(ADA)
    application.peer = Peer(address=ADA.address)
    new = await identification.identify(connect(FakeTransport()), HELLO, handlers_of(application))
    assert new is not None
    assert (new.peer, new.login, application.peer) == (ADA, CheckedLogin(application.login), ADA)
    assert list(new.rooms) == ["user:1", "open:a"]
    assert [(refusal.room, refusal.code) for refusal in new.refusals] == [("shut", "forbidden")]


@pytest.mark.parametrize("allowed", [False, True])
async def test_an_anonymous_client_needs_a_login_unless_it_is_allowed(
    ended: EndedLogins, *, allowed: bool
) -> None:
    application, transport = FakeApplication(Peer()), FakeTransport()
    connection = connect(transport)
    new = await Identification(ended, allow_anonymous=allowed).identify(
        connection, HELLO, handlers_of(application)
    )
    await settled()
    assert transport.closed == (None if allowed else 4501)
    assert (new and list(new.rooms)) == (["open:a"] if allowed else None)


@pytest.mark.parametrize("handler", ["authenticate", "authorize"])
async def test_each_handler_has_a_time_limit(
    identification: Identification, handler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: str) -> None:
        await asyncio.Event().wait()

    application = FakeApplication(ADA)
    monkeypatch.setattr(application, handler, hang)
    monkeypatch.setattr(module, "ADMISSION_TIMEOUT", 0.01)
    transport = FakeTransport()
    with pytest.raises(TimeoutError):
        await identification.identify(connect(transport), HELLO, handlers_of(application))
    assert transport.events == []


async def test_a_store_that_an_override_misses_is_that_of_logins(
    identification: Identification, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise StoreUnavailable("down")

    application = FakeApplication(ADA)
    monkeypatch.setattr(application, "authenticate", fail)
    with pytest.raises(LoginsUnavailable, match="down"):
        await identification.identify(connect(FakeTransport()), HELLO, handlers_of(application))


@pytest.mark.parametrize(
    ("fresh", "code", "stands"), [(60.0, 4503, True), (0.0, 4503, False), (0.0, None, True)]
)
async def test_a_login_is_checked_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch, fresh: float, code: CloseCode | None, *, stands: bool
) -> None:
    monkeypatch.setattr(module, "LOGIN_FRESH", fresh)
    ended, transport, handlers = EndedLogins(), FakeTransport(), handlers_of(FakeApplication(ADA))
    ended.code = code
    identification = Identification(ended, allow_anonymous=False)
    new = await identification.identify(connect(transport), HELLO, handlers)
    assert new is not None
    assert await identification.still_stands(new) is stands
    await settled()
    assert transport.closed == (None if stands else code)
    assert ended.checks == (0 if fresh else 1)


async def test_a_login_without_a_key_cannot_be_checked_again(
    identification: Identification, ended: EndedLogins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOGIN_FRESH", 0.0)
    handlers = handlers_of(FakeApplication(Peer(user="1")))
    new = await identification.identify(connect(FakeTransport()), HELLO, handlers)
    assert new is not None
    assert (new.login, await identification.still_stands(new), ended.checks) == (None, True, 0)
