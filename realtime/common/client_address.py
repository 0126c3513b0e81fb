"""The client's address: the peer's, or the one that trusted proxies report."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# As servers and proxies write it: 192.0.2.1, 192.0.2.1:4711, 2001:db8::1, [2001:db8::1] or
# [2001:db8::1]:4711. The zone of fe80::1%eth0 says on which link; to others it means nothing.
_WRITTEN = re.compile(
    r"\[(?P<bracketed>[^\]%]+)(?:%[^\]]+)?\](?::\d+)?|(?P<v4>[\d.]+)(?::\d+)?|(?P<v6>[^\[\]%]+)(?:%.+)?"
)


@lru_cache(maxsize=16)  # called for every connection with the same argument
def parse_proxies(names: tuple[str, ...]) -> tuple[Network | str, ...]:
    """Addresses and networks; ``unix`` stands for a peer on a Unix socket.

    Raises ValueError for anything else.
    """
    return tuple(name if name == "unix" else ip_network(name, strict=False) for name in names)


def parse_address(text: str) -> Address | None:
    """The address in a text, without its port and zone; None if there is none.

    An IPv4 address that a server on ``::`` sees within an IPv6 one is that IPv4 address.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        return None
    try:
        address = ip_address(next(filter(None, written.groups())))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def client_network(address: str) -> str:
    """The network of which one client may have all addresses: the /64 of an IPv6 address, since
    no network gets a smaller one. Any other address is returned as it is."""
    ip = parse_address(address)
    return str(ip_network((ip, 64), strict=False)) if isinstance(ip, IPv6Address) else address


def client_address(
    peer: Sequence[object] | None,
    headers: Mapping[bytes, bytes],
    proxies: Sequence[Network | str],
) -> str:
    """The address nearest to us that is not a trusted proxy's; "" for a Unix socket.

    X-Forwarded-For is read from the right, as long as the hop before is trusted: entries that
    the client itself wrote there are never used.
    """
    peer_text = str(peer[0]) if peer else ""
    address = parse_address(peer_text)
    trusted = "unix" in proxies if peer is None else _is_trusted(address, proxies)
    hops = headers.get(b"x-forwarded-for", b"").decode("latin1").split(",")
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        reported = parse_address(hop)
        if not trusted or reported is None:
            break
        address, trusted = reported, _is_trusted(reported, proxies)
    return peer_text if address is None else str(address)


def _is_trusted(address: Address | None, proxies: Sequence[Network | str]) -> bool:
    """Whether it is a proxy's address; False for a peer that has none."""
    if address is None:
        return False
    return any(address in network for network in proxies if not isinstance(network, str))
