"""What a client is told that resumes a session which has ended for good."""

from realtime.protocol.codes import CloseCode, reason_for

from .records import Opening, Verdict

# These ends are the login's, not the user's: who has logged in again starts anew.
OF_A_LOGIN = frozenset({CloseCode.NOT_AUTHENTICATED, CloseCode.LOGGED_OUT})

# The session follows an attempt that its client has made later.
OUTDATED = Verdict(CloseCode.TAKEN_OVER.value, CloseCode.TAKEN_OVER.reason)


def verdict_for(opening: Opening, code: int, reason: str, *, login: str) -> Verdict | None:
    """The verdict on a session's own client; ``login`` is the session's.

    None if the session ended with a login that this connection does not have.
    """
    if code in OF_A_LOGIN and opening.peer.login != login:
        return None
    return Verdict(code, reason or reason_for(code))
