"""The gate: which handshakes are refused, and how each refusal is counted."""

from typing import Any

import pytest
from django.test import override_settings

from realtime.consumers import gate
from realtime.protocol.messages import SUBPROTOCOL
from realtime.store.records import Peer
from realtime.worker import instances
from realtime.worker.admission import refusals
from realtime.worker.runtime import Runtime

from .client import Client

SCOPE: dict[str, Any] = {"client": ["192.0.2.1", 4711], "headers": [(b"host", b"testserver")]}


@pytest.mark.parametrize("origin", ["https://evil.com", "null", "http://[::1", "http://x:99999"])
async def test_a_foreign_origin_is_told_so_before_a_worker_starts(origin: str) -> None:
    client = Client(headers={"host": "testserver", "origin": origin}, subprotocols=[SUBPROTOCOL])
    assert await client.connect() == (True, SUBPROTOCOL)
    messages, code = await client.end()
    goodbye = {"type": "goodbye", "code": 4502, "reason": "origin not allowed", "reconnect": False}
    assert (messages, code) == ([goodbye], 4502)
    assert instances.running() == []


async def test_another_subprotocol_is_refused() -> None:
    client = Client(subprotocols=["chat", "realtime.v2"])
    connected, _ = await client.connect()
    assert not connected
    await client.wait()


async def refused(**scope: Any) -> int:
    """The status of the handshake's refusal."""
    with pytest.raises((gate.HandshakeRefused, gate.OriginRefused)) as refusal:
        await gate.enter({**SCOPE, **scope}, "192.0.2.1")
    return getattr(refusal.value, "status", 0)


async def test_each_refusal_is_counted_by_its_reason() -> None:
    origin = [*SCOPE["headers"], (b"origin", b"https://evil.com")]
    assert [await refused(headers=origin), await refused(subprotocols=["chat"])] == [0, 403]
    assert refusals.current().totals == {"origin": 1, "protocol": 1}


@pytest.mark.parametrize("worker", [{"MAX_UNGREETED": 1}], indirect=True)
async def test_a_network_s_next_connection_waits_for_a_free_slot(worker: Runtime) -> None:
    entered, slot = await gate.enter(SCOPE, "192.0.2.1")
    assert entered is worker
    assert await refused() == 503
    assert worker.refusals.totals == {"limit": 1}
    slot.close()
    _, again = await gate.enter(SCOPE, "192.0.2.1")
    again.close()


async def test_a_worker_that_cannot_start_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> Runtime:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(instances, "start", fail)
    with pytest.raises(ZeroDivisionError):
        await gate.enter(SCOPE, "192.0.2.1")
    assert refusals.current().totals == {"application": 1}


def test_a_peer_without_a_login_has_an_address_and_an_agent() -> None:
    agent = (b"user-agent", b"a\0b" + b"c" * 400)
    scope = {**SCOPE, "headers": [agent, (b"x-forwarded-for", b"198.51.100.7")]}
    assert gate.peer_of(scope) == Peer(address="192.0.2.1", agent="ab" + "c" * 298)
    with override_settings(REALTIME={"TRUSTED_PROXIES": ["192.0.2.1"]}):
        assert gate.peer_of(scope).address == "198.51.100.7"
    assert gate.peer_of({"client": None}) == Peer()
