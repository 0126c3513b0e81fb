"""Ends that were asked for a moment ago, on Django models: who was on the way to a session then
hears of them, too."""

import hashlib
from collections.abc import Iterator

from realtime.models import Tombstone
from realtime.protocol.codes import FINAL

from ..contract import ENDED_MS, LONGEST_REASON
from ..records import Opening, Verdict
from ..verdicts import verdict_for
from .transaction import Database


class RequestedEnds:
    """Used within the caller's transaction. They lie among the tombstones, and are forgotten with
    them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all = Tombstone.objects.using(database.alias)

    def remember(self, kind: str, value: str, code: int, reason: str, now: int) -> None:
        """The end of a "login", "user" or "session" is asked for. Whoever looks for it waits for
        the end of this transaction. What was asked for good is not softened."""
        name = _name(kind, value)
        self._database.hold_alone([name])
        known = self._all.filter(name=name).first()
        if known and known.code >= FINAL > code and _ago(known, now) < ENDED_MS:
            return
        values = {"expires_at": now + ENDED_MS, "code": code, "reason": reason[:LONGEST_REASON]}
        self._all.update_or_create(name=name, defaults=values)

    def verdict(self, opening: Opening, now: int) -> Verdict | None:
        """What this connection hears instead of a session. None comes about before the caller's
        transaction has ended."""
        within = {_name(*about): ms for about, ms in _ends_about(opening)}
        self._database.hold_together(within)
        known = self._all.in_bulk(list(within))
        for name, within_ms in within.items():
            end = known.get(name)
            # One far ahead was told by a clock that has been set back since.
            if end is not None and -ENDED_MS < _ago(end, now) < within_ms:
                return verdict_for(opening, end.code, end.reason, login=opening.peer.login)
        return None


def _ends_about(opening: Opening) -> Iterator[tuple[tuple[str, str], int]]:
    """Whose end it may be, and within how many ms of it a connection hears of it: a login that
    has ended is worth nothing, a user who was sent away may come again."""
    age_ms = min(opening.age_ms, ENDED_MS)
    if opening.peer.login:
        yield ("login", opening.peer.login), ENDED_MS
    if opening.peer.user:
        yield ("user", opening.peer.user), age_ms
    yield ("session", opening.session), age_ms


def _ago(end: Tombstone, now: int) -> int:
    return now - (end.expires_at - ENDED_MS)


def _name(kind: str, value: str) -> str:
    """As long as any tombstone's, and nobody else's."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
