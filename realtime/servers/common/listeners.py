"""Listening TCP sockets."""

import socket

BACKLOG = 2048  # a mass reconnect arrives within a second; the kernel caps it at somaxconn

# The kernel drops a peer that acknowledges nothing for this long. Keepalive does not probe
# while data is unsent.
USER_TIMEOUT_MS = 20_000

# Bytes that the kernel holds for a peer beyond those on their way. Its default is megabytes,
# which would hide a reader that has stopped.
UNSENT_IN_KERNEL = 128 * 1024


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening, non-blocking TCP socket. Raises OSError, also for an unknown host.

    ``shared``: other shared sockets may listen on the same port.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        _set_options(listener)
        if shared:
            share(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _set_options(listener: socket.socket) -> None:
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit both. Without the first, a client that sends but does not
    # read would hold its buffers for ever.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_IN_KERNEL)


def listen_shared(host: str, port: int, *, count: int) -> list[socket.socket]:
    """``count`` listening sockets on one port, among which the kernel spreads connections.

    Raises OSError if another process has the port, even one that shares it.
    """
    listeners = [listen(host, port)]
    host, port = address_of(listeners[0])
    while len(listeners) < count:
        share(listeners[0])  # only now: the first bind has to fail if the port is taken
        listeners.append(listen(host, port, shared=True))
    return listeners


def share(listener: socket.socket) -> None:
    """Let other sockets listen on its port, each with a queue of its own."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def address_of(listener: socket.socket) -> tuple[str, int]:
    """Host and port of a listening socket; port 0 is resolved here."""
    host, port = listener.getsockname()[:2]
    return host, port


def url_host(host: str) -> str:
    """The host as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
