"""The client's address, and which proxies may report it."""

import pytest

from realtime.common.client_address import client_address, parse_proxies

PROXIES = ("10.0.0.0/8", "2001:db8::/32", "127.0.0.1")


def address(
    peer: str | None, forwarded: str | None = None, proxies: tuple[str, ...] = PROXIES
) -> str:
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded.encode("latin1")}
    return client_address([peer, 4711] if peer else None, headers, parse_proxies(proxies))


def test_without_a_proxy_it_is_the_peer() -> None:
    assert address("192.0.2.1") == "192.0.2.1"


def test_an_untrusted_peer_s_header_is_ignored() -> None:
    assert address("192.0.2.1", "198.51.100.7") == "192.0.2.1"
    assert address("10.0.0.1", "198.51.100.7", proxies=()) == "10.0.0.1"


def test_a_trusted_proxy_s_header_counts() -> None:
    assert address("10.0.0.1", "198.51.100.7") == "198.51.100.7"


def test_entries_of_the_client_itself_are_ignored() -> None:
    assert address("10.0.0.1", "1.1.1.1, 198.51.100.7") == "198.51.100.7"
    assert address("10.0.0.1", "10.9.9.9, 198.51.100.7") == "198.51.100.7"


def test_a_chain_of_trusted_proxies_is_followed() -> None:
    assert address("127.0.0.1", "198.51.100.7, 10.0.0.2,10.0.0.3") == "198.51.100.7"


def test_a_chain_of_nothing_but_proxies_ends_at_the_first() -> None:
    assert address("127.0.0.1", "10.0.0.2, 10.0.0.3") == "10.0.0.2"


@pytest.mark.parametrize(
    "forwarded",
    [
        "",
        " , ",
        "unknown",
        "_hidden",
        "198.51.100.7:port",
        "[198.51.100.7",
        "[]:1",
        "%eth0",
        ":4711",
    ],
)
def test_nonsense_is_no_address(forwarded: str) -> None:
    assert address("10.0.0.1", forwarded) == "10.0.0.1"


def test_an_unreadable_entry_ends_the_chain() -> None:
    assert address("10.0.0.1", "198.51.100.7, unknown, 10.0.0.2") == "10.0.0.2"


def test_empty_entries_of_the_chain_are_skipped() -> None:
    assert address("10.0.0.1", "198.51.100.7, ,10.0.0.2,") == "198.51.100.7"


def test_ipv6_is_understood() -> None:
    assert address("2001:db8::1", "2001:4860::7") == "2001:4860::7"
    assert address("::1", "2001:4860::7") == "::1"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:4860::7]", "2001:4860::7"),
        ("[2001:4860::7]:4711", "2001:4860::7"),
        ("2001:4860:0:0:0:0:0:7", "2001:4860::7"),
        ("2001:4860::ABCD", "2001:4860::abcd"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:4711", "fe80::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("[::ffff:198.51.100.7]:4711", "198.51.100.7"),
    ],
)
def test_an_address_is_read_in_every_notation(written: str, meant: str) -> None:
    assert address("10.0.0.1", written) == meant
    assert address("10.0.0.1", f"203.0.113.9, {written}, 10.0.0.2:80") == meant
    assert address(written) == meant


@pytest.mark.parametrize("peer", ["fe80::1", "fe80::1%eth0", "[fe80::1%eth0]:4711"])
def test_the_zone_of_a_link_local_proxy_is_ignored(peer: str) -> None:
    for proxy in ("fe80::/10", "fe80::1", "fe80::1%lo"):
        assert address(peer, "198.51.100.7", proxies=(proxy,)) == "198.51.100.7"
        assert address(peer, f"198.51.100.7, {peer}", proxies=(proxy,)) == "198.51.100.7"


def test_a_unix_socket_has_no_address_of_its_own() -> None:
    assert address(None) == ""
    assert address(None, "198.51.100.7") == ""
    assert address(None, "198.51.100.7", proxies=("unix",)) == "198.51.100.7"


def test_a_header_cannot_claim_to_be_the_unix_socket() -> None:
    assert address("10.0.0.1", "198.51.100.7, unix", proxies=("10.0.0.0/8", "unix")) == "10.0.0.1"


def test_a_peer_that_is_no_address_is_taken_as_it_is() -> None:
    assert address("testclient", "198.51.100.7") == "testclient"


def test_a_proxy_seen_through_an_ipv6_socket_is_the_same_proxy() -> None:
    assert address("::ffff:10.0.0.1", "198.51.100.7", proxies=("10.0.0.0/8",)) == "198.51.100.7"


def test_proxies_are_addresses_networks_or_unix() -> None:
    assert [str(p) for p in parse_proxies(("10.1.2.3/8", "::1", "unix"))] == [
        "10.0.0.0/8",
        "::1/128",
        "unix",
    ]


@pytest.mark.parametrize("name", ["", "proxy", "10.0.0.0/99", "UNIX"])
def test_other_texts_are_no_proxies(name: str) -> None:
    with pytest.raises(ValueError, match="not appear to be"):
        parse_proxies((name,))
