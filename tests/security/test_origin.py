"""Which pages may connect."""

from typing import Any

import pytest
from django.test import override_settings

from realtime.security.origin import can_match, headers_of, is_allowed

HOSTS = ["example.com", ".example.org", "127.0.0.1", "[::1]"]
pytestmark = pytest.mark.usefixtures("hosts")


@pytest.fixture
def hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = HOSTS


def scope(
    origin: str | None, host: str = "example.com", scheme: str = "ws", **headers: str
) -> dict[str, Any]:
    pairs = [(b"host", host.encode("latin1"))]
    if origin is not None:
        pairs.append((b"origin", origin.encode("latin1")))
    pairs += [(k.replace("_", "-").encode(), v.encode("latin1")) for k, v in headers.items()]
    return {"type": "websocket", "scheme": scheme, "path": "/ws/", "headers": pairs}


def allowed(origin: str | None, *extra: str, **request: str) -> bool:
    return is_allowed(scope(origin, **request), extra)


@pytest.mark.parametrize(
    ("origin", "request_"),
    {
        "http": ("http://example.com", {}),
        "https": ("https://example.com", {"scheme": "wss"}),
        "a port": ("http://example.com:8000", {"host": "example.com:8000"}),
        "default port in the origin": ("http://example.com:80", {}),
        "default port in the host": ("http://example.com", {"host": "example.com:80"}),
        "default port of https": (
            "https://example.com",
            {"scheme": "wss", "host": "example.com:443"},
        ),
        "upper case in the host": ("http://example.com", {"host": "EXAMPLE.com"}),
        "upper case in the origin": ("HTTP://Example.COM", {}),
        "a subdomain that is served": (
            "http://a.b.example.org",
            {"host": "a.b.example.org"},
        ),
        "an IPv4 address": ("http://127.0.0.1:8000", {"host": "127.0.0.1:8000"}),
        "an IPv6 address": ("http://[::1]:8000", {"host": "[::1]:8000"}),
    }.values(),
)
def test_the_request_s_own_origin_is_allowed(origin: str, request_: dict[str, str]) -> None:
    assert allowed(origin, **request_)


@pytest.mark.parametrize(
    ("origin", "request_"),
    [
        ("https://example.com", {}),
        ("http://example.com", {"scheme": "wss"}),
        ("http://example.com:8000", {}),
        ("http://example.com", {"host": "example.com:8000"}),
        ("http://example.com:443", {"scheme": "wss"}),
        ("http://other.com", {}),
        ("http://sub.example.com", {}),
        ("http://example.com.evil.com", {}),
        ("http://evilexample.com", {}),
        ("http://[::2]", {"host": "[::1]"}),
        ("http://*", {}),
        ("http://exa\u00admple.com", {}),
    ],
)
def test_another_origin_is_refused(origin: str, request_: dict[str, str]) -> None:
    assert not allowed(origin, **request_)


MALFORMED = [
    "",
    " ",
    "example.com",
    "//example.com",
    "http://",
    "http:example.com",
    "http:///",
    "://example.com",
    "http://[::1",
    "http://::1",
    "http://example.com:99999",
    "http://example.com:-1",
    "http://example.com:0",
    "http://example.com:port",
    "http://user@example.com",
    "http://user:password@example.com",
    "http://evil.com\\@example.com",
    "http://example.com/",
    "http://example.com/path",
    "http://example.com?query",
    "http://example.com#fragment",
    " http://example.com",
    "http://exam\tple.com",
    "http://example.com\n",
    "http://example.com, http://example.com",
    "http://example.com,http://evil.com",
    "http://example.com http://example.com",
    "javascript:alert(1)",
    "capacitor:localhost",
    "capacitor://localhost/",
    "file:///",
    "file:///index.html",
    "null, null",
    "null/",
    "1app://localhost",
    "app://[localhost]",
    "app://user@localhost",
    "*",
    "x" * 5000,
]


@pytest.mark.parametrize("origin", MALFORMED)
def test_a_malformed_origin_is_refused(origin: str) -> None:
    assert not allowed(origin)
    assert not allowed(origin, "https://*.example.org")


@pytest.mark.parametrize("origin", MALFORMED)
def test_even_any_origin_must_be_one(origin: str) -> None:
    assert not allowed(origin, "*")


# Of pages that come neither by http nor by https, as browsers and shells around them send it.
ELSEWHERE = [
    "null",
    "file://",
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "app://.",
    "app://-",
    "app://localhost:1430",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://0b1c2d3e-0000-4000-8000-0123456789ab",
    "safari-web-extension://0B1C2D3E-0000-4000-8000-0123456789AB",
    "qrc://",
    "ms-appx-web://Vendor.App_1a2b3c",
]


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_an_origin_of_another_scheme_is_allowed_where_it_is_named(origin: str) -> None:
    assert not allowed(origin)
    assert not allowed(origin, "https://*.example.org", *(o for o in ELSEWHERE if o != origin))
    assert allowed(origin, origin)
    assert allowed(origin, "*")


@pytest.mark.parametrize(
    ("entry", "origin"),
    [
        ("app://localhost", "app://localhost:1430"),
        ("app://localhost:1430", "app://localhost"),
        ("file://", "file://host"),
        ("chrome-extension://abcdef", "moz-extension://abcdef"),
        ("http://localhost", "capacitor://localhost"),
    ],
)
def test_another_scheme_is_compared_whole(entry: str, origin: str) -> None:
    assert not allowed(origin, entry)


@pytest.mark.parametrize(
    "entry",
    [*ELSEWHERE, "*", "https://a.com", "HTTPS://A.com:8443", "https://*.a.com", "app://*.a.com",
     "http://[::1]:8000"],
)  # fmt: skip
def test_an_entry_that_can_match(entry: str) -> None:
    assert can_match(entry)


@pytest.mark.parametrize(
    "entry",
    [
        "", "a.com", "*.a.com", "//a.com", "https:a.com", "https://", "https://a.com/",
        "https://a.com/path", "https://a.com?x", "https://user@a.com", " https://a.com",
        "https://a.com:", "https://a.com:0", "https://a.com:99999", "https://a.com:*",
        "https://*", "https://*.", "https://*a.com", "https://a.*.com", "https://*.*.a.com", "**",
        "wss://a.com", "ws://a.com", "https://bücher.example", "https://a.com,https://b.com",
        "file:///", "about:blank", "data:",
    ],
)  # fmt: skip
def test_an_entry_that_cannot(entry: str) -> None:
    assert not can_match(entry)
    plain = entry.replace("*", "").strip(" /")
    assert not any(allowed(o, entry) for o in ("https://a.com", "https://b.a.com", plain))


@pytest.mark.parametrize("host", ["", "[::1", "example.com:99999", "a b", "example.com/x", "@"])
def test_with_a_malformed_host_no_origin_is_the_request_s_own(host: str) -> None:
    assert not allowed(f"http://{host}", host=host)
    assert not allowed("http://example.com", host=host)


def test_without_an_origin_it_is_no_browser() -> None:
    assert allowed(None)
    assert allowed(None, host="unknown.com")


def test_without_a_host_no_origin_is_the_request_s_own() -> None:
    headers = [(b"origin", b"http://example.com")]
    assert not is_allowed({"scheme": "ws", "headers": headers}, ())


def test_a_host_that_is_not_served_proves_nothing() -> None:
    assert not allowed("http://evil.com", host="evil.com")


@override_settings(ALLOWED_HOSTS=["*"])
def test_where_every_host_is_served_its_own_origin_is_allowed_and_no_other() -> None:
    assert allowed("http://any.com", host="any.com")
    assert not allowed("http://evil.com", host="any.com")


@override_settings(ALLOWED_HOSTS=[], DEBUG=True)
def test_in_debug_localhost_is_served() -> None:
    assert allowed("http://localhost:8000", host="localhost:8000")
    assert allowed("http://[::1]:8000", host="[::1]:8000")
    assert not allowed("http://example.com", host="example.com")


@override_settings(ALLOWED_HOSTS=[], DEBUG=False)
def test_without_debug_nothing_is_served_unnamed() -> None:
    assert not allowed("http://localhost", host="localhost")


def trusted(kind: str, origin: str, *patterns: str) -> bool:
    """Whether it is allowed, with the patterns in either setting."""
    if kind == "ALLOWED_ORIGINS":
        return allowed(origin, *patterns)
    with override_settings(CSRF_TRUSTED_ORIGINS=list(patterns)):
        return allowed(origin)


@pytest.mark.parametrize("kind", ["CSRF_TRUSTED_ORIGINS", "ALLOWED_ORIGINS"])
@pytest.mark.parametrize(
    ("pattern", "origin", "expected"),
    [
        ("https://a.com", "https://a.com", True),
        ("https://a.com", "https://a.com:443", True),
        ("https://A.com", "https://a.com", True),
        ("https://a.com:8443", "https://a.com:8443", True),
        ("https://a.com", "http://a.com", False),
        ("https://a.com", "https://a.com:8443", False),
        ("https://a.com:8443", "https://a.com", False),
        ("https://a.com", "https://b.a.com", False),
        ("https://*.a.com", "https://b.a.com", True),
        ("https://*.a.com", "https://c.b.a.com", True),
        ("https://*.a.com", "https://B.A.com", True),
        ("https://*.a.com", "http://b.a.com", False),
        ("https://*.a.com", "https://b.a.com:8443", False),
        ("https://*.a.com:8443", "https://b.a.com:8443", True),
        ("https://*.a.com", "https://evila.com", False),
        ("https://*.a.com", "https://b.a.com.evil.com", False),
        ("https://*", "https://a.com", False),
        ("nonsense", "https://a.com", False),
        ("https://[::1", "https://a.com", False),
        ("https://a.com:99999", "https://a.com", False),
        ("", "https://a.com", False),
    ],
)
def test_a_trusted_origin(kind: str, pattern: str, origin: str, expected: bool) -> None:
    assert trusted(kind, origin, "https://unused.com", pattern) is expected


def test_any_origin_may_be_allowed() -> None:
    assert allowed("https://evil.com", "*")


@override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
@pytest.mark.parametrize(
    ("scheme", "proto", "origin"),
    [
        ("ws", "https", "https://example.com"),
        ("ws", "https, http", "https://example.com"),
        ("wss", "http", "http://example.com"),
        ("wss", "", "http://example.com"),
    ],
)
def test_a_proxy_reports_the_scheme(scheme: str, proto: str, origin: str) -> None:
    other = {"http": "https", "https": "http"}[origin.partition(":")[0]]
    assert allowed(origin, scheme=scheme, x_forwarded_proto=proto)
    assert not allowed(f"{other}://example.com", scheme=scheme, x_forwarded_proto=proto)


@override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))
def test_without_a_proxy_s_header_the_server_s_scheme_counts() -> None:
    assert allowed("https://example.com", scheme="wss")


def test_the_header_of_an_unconfigured_proxy_is_ignored() -> None:
    assert not allowed("https://example.com", x_forwarded_proto="https")
    assert not allowed("http://example.com", host="127.0.0.1", x_forwarded_host="example.com")


@override_settings(USE_X_FORWARDED_HOST=True)
def test_a_proxy_reports_the_host() -> None:
    assert allowed("http://example.com", host="127.0.0.1", x_forwarded_host="example.com")
    assert not allowed("http://127.0.0.1", host="127.0.0.1", x_forwarded_host="example.com")
    assert not allowed("http://evil.com", host="127.0.0.1", x_forwarded_host="evil.com")
    assert allowed("http://127.0.0.1", host="127.0.0.1")


def test_without_a_scheme_it_is_http() -> None:
    request = scope("http://example.com")
    del request["scheme"]
    assert is_allowed(request, ())


def test_repeated_headers_are_joined() -> None:
    names = [b"x-forwarded-for", b"cookie", b"host", b"cookie", b"x-forwarded-for"]
    pairs = [(name, b"%d" % number) for number, name in enumerate(names)]
    assert headers_of({"headers": pairs}) == {
        b"x-forwarded-for": b"0, 4",
        b"cookie": b"1; 3",
        b"host": b"2",
    }
    assert headers_of({}) == {}


def test_two_origins_are_refused() -> None:
    both = scope("http://example.com")
    both["headers"].insert(0, (b"origin", b"http://evil.com"))
    assert not is_allowed(both, ("*",))
