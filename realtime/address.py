"""The client's address: the peer's, or what trusted proxies say of it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


@lru_cache(maxsize=16)  # asked for every connection, and always for the same
def parse_proxies(names: tuple[str, ...]) -> tuple[Network | str, ...]:
    """Addresses and networks; ``unix`` stands for a peer on a Unix socket.

    Raises ValueError for anything else.
    """
    return tuple(name if name == "unix" else ip_network(name, strict=False) for name in names)


def client_address(
    peer: Sequence[object] | None,
    headers: Mapping[bytes, bytes],
    proxies: Sequence[Network | str],
) -> str:
    """The address nearest to us that is not a trusted proxy's; "" for a Unix socket.

    X-Forwarded-For is read from the right, as long as the hop before is trusted;
    what a client itself wrote there is therefore never believed.
    """
    address = str(peer[0]) if peer else "unix"
    hops = headers.get(b"x-forwarded-for", b"").decode("latin1").split(",")
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        if not _is_trusted(address, proxies) or not _is_address(hop):
            break
        address = hop
    return "" if address == "unix" else address


def _is_trusted(address: str, proxies: Sequence[Network | str]) -> bool:
    if address == "unix":
        return "unix" in proxies
    if not _is_address(address):
        return False
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:  # a server that listens on ``::``
        ip = ip.ipv4_mapped
    return any(ip in network for network in proxies if not isinstance(network, str))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
