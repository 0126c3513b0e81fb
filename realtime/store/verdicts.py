"""Why a client may not resume a session that has ended for good."""

from realtime.protocol.codes import CloseCode, reason_for

from .records import Opening, Verdict

# These ends concern a login, not its user: after a new login the client starts a new session.
LOGIN_CODES = frozenset({CloseCode.NOT_AUTHENTICATED, CloseCode.LOGGED_OUT})

# A later attempt of the same client has the session.
OUTDATED_TURN = Verdict(CloseCode.TAKEN_OVER.value, CloseCode.TAKEN_OVER.reason)


def verdict_for(opening: Opening, code: int, reason: str, *, login: str) -> Verdict | None:
    """The verdict for a session's own client; ``login`` is the session's.

    None if the session ended with a login that this connection does not have.
    """
    if code in LOGIN_CODES and opening.peer.login != login:
        return None
    return Verdict(code, reason or reason_for(code))
