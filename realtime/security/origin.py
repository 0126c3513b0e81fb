"""Checks the Origin header: which pages may connect."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.http.request import split_domain_port, validate_host

DEFAULT_PORTS = {"http": 80, "https": 443}
LOCALHOST = (".localhost", "127.0.0.1", "[::1]")  # what Django allows in DEBUG

# A page's origin as browsers send it (RFC 6454, 6.1), in lower case. Pages of some schemes have no
# host, as in file://, and others one without a dot, as in capacitor://localhost.
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>\[[0-9a-f:.]+\]|(?:(?![/?#@\\:,\[\]])[!-~])*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_HOSTS = re.compile(r"(?:\*\.)?[^*]+|")  # of an entry: one host, or all hosts within it


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin in lower case. ``port`` is None if the scheme has no default and the text none.
    An opaque origin, sent as ``null``, has neither scheme nor host."""

    scheme: str = ""
    host: str = ""
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The origin that a header or a setting names; None if no browser sends such a one."""
        lower = text.lower()
        found = _ORIGIN.fullmatch(lower)
        if found is None:
            return cls() if lower == "null" else None
        scheme, host = found["scheme"], found["host"]
        port = int(found["port"]) if found["port"] else DEFAULT_PORTS.get(scheme)
        if (scheme in DEFAULT_PORTS and not host) or not (port is None or 0 < port < 2**16):
            return None
        return cls(scheme, host, port)

    def covers(self, other: "Origin") -> bool:
        """Whether both are equal, or the other's host lies within this one's ``*.example.com``."""
        if (self.scheme, self.port) != (other.scheme, other.port):
            return False
        if not self.host.startswith("*."):
            return self.host == other.host
        return f".{other.host}".endswith(self.host[1:])


def is_allowed(scope: Mapping[str, object], extra: Iterable[str]) -> bool:
    """Whether a handshake may go on.

    A handshake without an Origin header comes from no browser, so no page can have caused it.
    Otherwise the origin must equal the request's own scheme and host, or be covered by an entry
    of CSRF_TRUSTED_ORIGINS or ``extra``: ``https://*.example.com`` covers all hosts within, and
    ``*`` any origin. An origin that cannot be parsed is refused.
    """
    headers = headers_of(scope)
    if b"origin" not in headers:
        return True
    origin = Origin.parse(headers[b"origin"].decode("latin1"))
    if origin is None:
        return False
    return _is_own(origin, scope, headers) or any(
        _matches(origin, entry) for entry in (*settings.CSRF_TRUSTED_ORIGINS, *extra)
    )


def can_match(entry: str) -> bool:
    """Whether an entry of a list of origins can match any page: a page's origin has no path and
    no WebSocket scheme, and ``*`` stands alone or for leading labels."""
    origin = Origin.parse(entry)
    if origin is None:
        return entry == "*"
    return origin.scheme not in ("ws", "wss") and bool(_HOSTS.fullmatch(origin.host))


def _matches(origin: Origin, entry: str) -> bool:
    allowed = Origin.parse(entry)
    if allowed is None:
        return entry == "*"
    return can_match(entry) and allowed.covers(origin)


def headers_of(scope: Mapping[str, object]) -> dict[bytes, bytes]:
    """The headers of an ASGI scope by lower-case name. Repeated headers are joined with commas
    (RFC 9110, 5.3), cookies with semicolons (RFC 6265, 4.2.1)."""
    pairs: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())  # type: ignore[assignment]
    joined: dict[bytes, bytes] = {}
    for name, value in pairs:
        separator = b"; " if name == b"cookie" else b", "
        joined[name] = joined[name] + separator + value if name in joined else value
    return joined


def _is_own(origin: Origin, scope: Mapping[str, object], headers: Mapping[bytes, bytes]) -> bool:
    host = _host(headers)
    return origin == Origin.parse(f"{_scheme(scope, headers)}://{host}") and _is_served(host)


def _host(headers: Mapping[bytes, bytes]) -> str:
    if settings.USE_X_FORWARDED_HOST and b"x-forwarded-host" in headers:
        return headers[b"x-forwarded-host"].decode("latin1")
    return headers.get(b"host", b"").decode("latin1")


def _is_served(host: str) -> bool:
    """Whether ALLOWED_HOSTS allows this host: otherwise the Host header proves nothing."""
    allowed = settings.ALLOWED_HOSTS or (LOCALHOST if settings.DEBUG else ())
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def _scheme(scope: Mapping[str, object], headers: Mapping[bytes, bytes]) -> str:
    """http or https, as Django determines it behind a proxy; daphne alone sends no scheme."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
        if header in headers:
            value = headers[header].decode("latin1").split(",", 1)[0].strip()
            return "https" if value == secure else "http"
    return "https" if scope.get("scheme") in ("https", "wss") else "http"
