"""Sessions as plain data for JSON and for the admin's tables."""

import time
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from realtime.common.datetimes import to_datetime
from realtime.store.contract import ID_PREFIX_LEN
from realtime.store.records import Session, SessionState

CONDITIONS = {
    "healthy": _("healthy"),
    "unstable": _("unstable"),
    "suspended": _("suspended"),
    "closing": _("closing"),
}


def as_json(session: Session) -> dict[str, Any]:
    """A session as commands and the health view show it to staff. It holds no secret."""
    return {
        "id": session.id,
        "user": session.peer.user or None,
        "state": session.state.value,
        "worker": session.worker or None,
        "address": session.peer.address,
        "connected_at": session.opened_at,
        "uptime_seconds": round(max(0.0, time.time() - session.opened_at / 1000), 1),
        "latency_ms": session.latency_ms,
        "missed": session.missed,
        "rooms": list(session.rooms),
        "last_beat": session.last_beat,
        "username": session.peer.username,
        "pings": session.totals.pings,
        "pongs": session.totals.pongs,
        "resumes": session.generation - 1,
    }


def as_row(session: Session, workers: Mapping[str, str]) -> dict[str, Any]:
    """A session as the admin shows it, with datetimes; ``workers`` maps worker ids to names.

    ``reference`` stands for the session in URLs and logs, where its id must not appear.
    """
    condition = _condition(session)
    return {
        "session": session,
        "reference": reference(session.id),
        "user": session.peer.username or session.peer.user,
        "since": to_datetime(session.opened_at),
        "connected": to_datetime(session.connected_at),
        "last_beat": to_datetime(session.last_beat),
        "condition": condition,
        "condition_label": CONDITIONS[condition],
        "resumes": session.generation - 1,
        "worker": workers.get(session.worker, session.worker[:ID_PREFIX_LEN]),
    }


def reference(session: str) -> str:
    """The first ID_PREFIX_LEN characters of a session id, which are safe to show."""
    return session[:ID_PREFIX_LEN]


def _condition(session: Session) -> str:
    if session.state is SessionState.CONNECTED:
        return "unstable" if session.missed else "healthy"
    return str(session.state.value)
