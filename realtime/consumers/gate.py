"""The gate: reads a handshake's ASGI scope, and refuses it or lets it in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from realtime.common.client_address import client_address, client_network, parse_proxies
from realtime.conf import settings
from realtime.protocol.messages import SUBPROTOCOL
from realtime.security import origin
from realtime.store.records import Peer
from realtime.worker import instances
from realtime.worker.admission import refusals
from realtime.worker.admission.refusals import Reason
from realtime.worker.admission.ungreeted_limit import UngreetedSlot
from realtime.worker.runtime import Runtime


@dataclass(eq=False)
class HandshakeRefused(Exception):
    """The handshake is refused, with this HTTP status; servers other than ours send 403."""

    status: int


class OriginRefused(Exception):
    """The page's origin may not connect. The handshake is accepted and closed with 4502: browsers
    show a page nothing of a refused one."""


async def enter(scope: Mapping[str, Any], address: str) -> tuple[Runtime, UngreetedSlot]:
    """The worker of a connection that may be accepted, and its slot until ``hello``.

    Raises HandshakeRefused, OriginRefused, and what the worker's start raises; either way the
    refusal is counted.
    """
    counter = refusals.current()
    if refusal := _refusal_of(scope):
        counter.record(*refusal)
        raise OriginRefused if refusal[0] is Reason.ORIGIN else HandshakeRefused(403)
    try:
        worker = await instances.start()
    except Exception as error:
        counter.record_end(None, error)
        raise
    if slot := worker.ungreeted.take(client_network(address)):
        return worker, slot
    cause = (
        f"{settings.max_ungreeted} connections from {address or 'a Unix socket'} have not said "
        "hello (MAX_UNGREETED; TRUSTED_PROXIES if that is a proxy)"
    )
    counter.record(Reason.LIMIT, cause)
    raise HandshakeRefused(503)


def _refusal_of(scope: Mapping[str, Any]) -> tuple[Reason, str] | None:
    """Why the handshake is refused, with the cause for the log; None if it may go on."""
    if (offered := scope.get("subprotocols")) and SUBPROTOCOL not in offered:
        return Reason.PROTOCOL, f"expected the subprotocol {SUBPROTOCOL}, not {offered}"
    if not origin.is_allowed(scope, settings.allowed_origins):
        sent = origin.headers_of(scope).get(b"origin", b"").decode("latin1")
        return Reason.ORIGIN, f"the origin {sent} is not allowed"
    return None


def peer_of(scope: Mapping[str, Any]) -> Peer:
    """The peer without a login: its agent, and its address according to TRUSTED_PROXIES, which is
    "" for a Unix socket."""
    headers, proxies = origin.headers_of(scope), parse_proxies(settings.trusted_proxies)
    agent = headers.get(b"user-agent", b"").replace(b"\0", b"").decode("latin1")[:300]
    return Peer(address=client_address(scope.get("client"), headers, proxies), agent=agent)
