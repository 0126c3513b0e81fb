"""The access log: one INFO line per HTTP request and per change of a WebSocket."""

import logging
from collections.abc import Mapping
from typing import Any

access = logging.getLogger("realtime.access")


def peer_name(address: tuple[str, int] | None) -> str | None:
    """Host and port of a client; None for a Unix socket."""
    return "{}:{}".format(*address) if address else None


def log_access(protocol: str, action: str, details: Mapping[str, Any]) -> None:
    """Log one line, without the query string, which may carry a secret. ``details`` has "path" and
    "client"; for "http" also "method", "status", "size" (bytes) and "time_taken" (seconds). The
    path is escaped, so that it cannot forge a line."""
    if not access.isEnabledFor(logging.INFO):
        return
    path = details["path"].partition("?")[0].encode("unicode_escape").decode()
    client = details["client"] or "-"
    if protocol != "http":
        access.info("%s WebSocket %s %s", client, path, action)
        return
    answer = (details["status"], details["size"], details["time_taken"])
    access.info("%s %s %s %s %s bytes %.3f s", client, details["method"], path, *answer)
