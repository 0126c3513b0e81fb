"""Which pages may connect: the Origin header against the request itself and the settings."""

from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

DEFAULT_PORTS = {"http": 80, "https": 443}
LOCALHOST = (".localhost", "127.0.0.1", "[::1]")  # what Django allows in DEBUG


def is_allowed(scope: Mapping[str, object], extra: Iterable[str]) -> bool:
    """Whether a handshake may go on.

    Without an Origin header it is not a browser's, so no page can have caused it.
    Otherwise the origin must equal the request's own scheme and host, or stand in
    CSRF_TRUSTED_ORIGINS or ``extra``, where ``https://*.example.com`` is understood
    and ``*`` means any. Whatever cannot be parsed is refused.
    """
    headers = headers_of(scope)
    if b"origin" not in headers:
        return True
    origin = _parse(headers[b"origin"].decode("latin1"))
    if origin is None:
        return False
    return _is_own(origin, scope, headers) or any(
        _matches(origin, pattern) for pattern in (*settings.CSRF_TRUSTED_ORIGINS, *extra)
    )


def headers_of(scope: Mapping[str, object]) -> dict[bytes, bytes]:
    """The request's headers by lower-case name; of repeated ones the last."""
    pairs: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())  # type: ignore[assignment]
    return dict(pairs)


def _parse(origin: str) -> SplitResult | None:
    """``scheme://host[:port]`` and nothing else; None for ``null`` and nonsense."""
    try:
        parts = urlsplit(origin)
        valid = bool(parts.scheme in DEFAULT_PORTS and parts.hostname and _port(parts))
    except ValueError:
        return None
    exact = origin.lower() == f"{parts.scheme}://{parts.netloc}".lower()
    return parts if valid and exact and "@" not in parts.netloc else None


def _port(parts: SplitResult) -> int:
    return parts.port if parts.port is not None else DEFAULT_PORTS[parts.scheme]


def _is_own(
    origin: SplitResult, scope: Mapping[str, object], headers: Mapping[bytes, bytes]
) -> bool:
    host = _host(headers)
    if not host or origin.scheme != _scheme(scope, headers):
        return False
    own = _parse(f"{origin.scheme}://{host}")
    if own is None or not _is_served(host):
        return False
    return (own.hostname, _port(own)) == (origin.hostname, _port(origin))


def _host(headers: Mapping[bytes, bytes]) -> str:
    if settings.USE_X_FORWARDED_HOST and b"x-forwarded-host" in headers:
        return headers[b"x-forwarded-host"].decode("latin1")
    return headers.get(b"host", b"").decode("latin1")


def _is_served(host: str) -> bool:
    """Whether ALLOWED_HOSTS has this host: otherwise the Host header proves nothing."""
    allowed = settings.ALLOWED_HOSTS or (LOCALHOST if settings.DEBUG else ())
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def _scheme(scope: Mapping[str, object], headers: Mapping[bytes, bytes]) -> str:
    """http or https, as Django sees it behind a proxy; daphne alone gives no scheme."""
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
        if header in headers:
            value = headers[header].decode("latin1").split(",", 1)[0].strip()
            return "https" if value == secure else "http"
    return "https" if scope.get("scheme") in ("https", "wss") else "http"


def _matches(origin: SplitResult, pattern: str) -> bool:
    if pattern == "*":
        return True
    scheme, _, netloc = pattern.lower().partition("://")
    if "*" not in netloc:
        allowed = _parse(f"{scheme}://{netloc}")
        return allowed is not None and _same(origin, allowed)
    return origin.scheme == scheme and is_same_domain(origin.netloc.lower(), netloc.lstrip("*"))


def _same(one: SplitResult, other: SplitResult) -> bool:
    return (one.scheme, one.hostname, _port(one)) == (other.scheme, other.hostname, _port(other))
