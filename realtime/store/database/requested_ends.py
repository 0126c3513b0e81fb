"""Recently requested ends on Django models: they also apply to connections being admitted then."""

import hashlib
from collections.abc import Iterator, Mapping

from realtime.models import Tombstone
from realtime.protocol.codes import FINAL, reason_for

from ..contract import MAX_REASON_LEN, REQUESTED_END_MS
from ..records import Opening, Verdict
from ..verdicts import verdict_for
from .transaction import Database


class RequestedEnds:
    """Used within the caller's transaction. Rows among the tombstones, and pruned with them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all = Tombstone.objects.using(database.alias)

    def add(self, kind: str, value: str, code: int, reason: str, now: int) -> None:
        """Remember the requested end of a "login", "user" or "session"; calls that look for it
        wait for the end of this transaction. A later request does not soften a final code."""
        name = _name(kind, value)
        self._database.hold_alone([name])
        known = self._all.filter(name=name).first()
        if known and known.code >= FINAL > code and _age(known, now) < REQUESTED_END_MS:
            return
        expires_at = now + REQUESTED_END_MS
        values = {"expires_at": expires_at, "code": code, "reason": reason[:MAX_REASON_LEN]}
        self._all.update_or_create(name=name, defaults=values)

    def verdict(self, opening: Opening, now: int) -> Verdict | None:
        """The verdict for this connection instead of a session. No other end that applies is
        added before the caller's transaction has ended."""
        end = self._first_of({_name(*about): ms for about, ms in _applicable(opening)}, now)
        if end is None:
            return None
        return verdict_for(opening, end.code, end.reason, login=opening.peer.login)

    def verdict_on_login(self, login: str, now: int) -> Verdict | None:
        """The verdict for a session's new login. No end of it is added before the caller's
        transaction has ended."""
        within = {_name("login", login): REQUESTED_END_MS} if login else {}
        end = self._first_of(within, now)
        return Verdict(end.code, end.reason or reason_for(end.code)) if end else None

    def _first_of(self, within: Mapping[str, int], now: int) -> Tombstone | None:
        """The first of these ends that was requested within its milliseconds."""
        if not within:
            return None
        self._database.hold_together(within)
        known = self._all.in_bulk(list(within))
        for name, within_ms in within.items():
            end = known.get(name)
            # One far in the future was written by a clock that was set back since.
            if end is not None and -REQUESTED_END_MS < _age(end, now) < within_ms:
                return end
        return None


def _applicable(opening: Opening) -> Iterator[tuple[tuple[str, str], int]]:
    """The ends that apply to this connection, each with the ms for which it does: an ended login
    stays invalid, but a user may come back."""
    age_ms = min(opening.age_ms, REQUESTED_END_MS)
    if opening.peer.login:
        yield ("login", opening.peer.login), REQUESTED_END_MS
    if opening.peer.user:
        yield ("user", opening.peer.user), age_ms
    yield ("session", opening.session), age_ms


def _age(end: Tombstone, now: int) -> int:
    return now - (end.expires_at - REQUESTED_END_MS)


def _name(kind: str, value: str) -> str:
    """As long as any tombstone's name, and never equal to one."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
