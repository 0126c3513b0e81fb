"""Reads a handshake's ASGI scope: whether to refuse it, the client's address, its peer."""

from collections.abc import Mapping
from typing import Any

from realtime.common.client_address import client_address, parse_proxies
from realtime.conf import settings
from realtime.protocol.messages import SUBPROTOCOL
from realtime.security import origin
from realtime.security.authentication import Login
from realtime.store.records import Peer
from realtime.worker.admission.refusals import Reason

Scope = Mapping[str, Any]


def refusal_of(scope: Scope) -> tuple[Reason, str] | None:
    """Why the handshake is refused, with the cause for the log; None if it may go on."""
    offered = scope.get("subprotocols", ())
    if offered and SUBPROTOCOL not in offered:
        return Reason.PROTOCOL, f"expected the subprotocol {SUBPROTOCOL}, not {offered}"
    if not origin.is_allowed(scope, settings.allowed_origins):
        sent = origin.headers_of(scope).get(b"origin", b"").decode("latin1")
        return Reason.ORIGIN, f"the origin {sent} is not allowed"
    return None


def address_of(scope: Scope) -> str:
    """The client's address, as TRUSTED_PROXIES lets it be known; "" for a Unix socket."""
    proxies = parse_proxies(settings.trusted_proxies)
    return client_address(scope.get("client"), origin.headers_of(scope), proxies)


def peer_of(scope: Scope, login: Login, address: str) -> Peer:
    """The peer that the store records."""
    agent = origin.headers_of(scope).get(b"user-agent", b"")
    return Peer(
        user=login.user,
        username=login.username,
        login=login.digest,
        address=address,
        agent=agent.replace(b"\0", b"").decode("latin1")[:300],
    )
