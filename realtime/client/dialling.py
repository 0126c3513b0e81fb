"""The handshake of an attempt: a WebSocket, or the end of the attempt."""

import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from realtime.protocol.codes import CloseCode
from realtime.protocol.messages import SUBPROTOCOL

from .socket import LEAVING, LineEnd

MAX_SIZE = 16 * 1024 * 1024  # bytes of a frame from the server

# A client's error that may pass: request timeout, too early, too many requests.
PASSING = frozenset({408, 425, 429})


def check_url(url: str) -> None:
    """Raise ValueError for an address that is none of a WebSocket."""
    if not _is_address(url):
        raise ValueError(f"expected an address such as wss://example.com/ws/, not {url!r}")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("ws", "wss")
            and bool(parts.hostname and parts.port != 0)
            and not parts.fragment
        )
    except ValueError:  # an invalid port, or an invalid IPv6 address
        return False


class _Handshake(connect):
    """The handshake of ``connect``, with this server alone: at another address the hello would
    hand over the token of the login and the secret of the session."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def dial(
    url: str, headers: Mapping[str, str], *, within: float
) -> ClientConnection | LineEnd:
    """Return a WebSocket that has opened within ``within`` seconds, or the end of the attempt. A
    redirected or refused handshake and an invalid certificate are ``permanent``."""
    try:
        return await _Handshake(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers=headers,
            compression=None,
            open_timeout=within,
            ping_interval=None,  # the protocol has a heartbeat of its own
            close_timeout=LEAVING,
            max_size=MAX_SIZE,
        )
    except InvalidStatus as refused:
        status = refused.response.status_code
        target = refused.response.headers.get("Location")
        reason = f"HTTP status {status}" + (f", to {target}" if target else "")
        permanent = 300 <= status < 500 and status not in PASSING
        return LineEnd(CloseCode.LOST, reason, permanent=permanent)
    except TimeoutError:
        return LineEnd(CloseCode.LOST, f"no answer within {within:g} s", timed_out=True)
    except ssl.SSLCertVerificationError as error:
        return LineEnd(CloseCode.LOST, str(error), permanent=True)
    except (OSError, EOFError, WebSocketException) as error:
        return LineEnd(CloseCode.LOST, str(error) or type(error).__name__)
