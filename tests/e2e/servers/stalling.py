"""Peers that stop reading, and the limits that tests of several files share."""

from tests.polling import eventually

from ..server_support import Peer, ServerProcess

SHORT = {"ping_interval": 0.4, "ping_timeout": 0.8, "handshake_timeout": 0.5}

# Larger than what two kernels hold for a connection, so that Twisted's buffer fills as well.
TOO_MUCH = 16_000_000


def stalled(server: ServerProcess, path: str = "/echo") -> Peer:
    """A peer that has stopped reading, with every buffer on the way full."""
    peer = Peer(server.port, receive_buffer=4096).upgrade(path)
    before = server.count("sent")
    peer.text(f"send {TOO_MUCH}")
    eventually(lambda: server.count("sent") > before)
    return peer


def refused(peer: Peer, data: bytes) -> bool:
    """Send the data. Returns True once that is impossible."""
    try:
        peer.send(data)
    except ConnectionError:
        return True
    return False
