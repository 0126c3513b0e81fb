"""When the client of a login that expires is asked for a new one."""

EXPIRED = "the login has expired"  # the reason of a close

LEAD = 30.0  # seconds before its end that a login of a minute or more is asked about first
LAST_ASKED = 1.0  # seconds before its end from which on a login is asked about no more


def next_look(remaining: float) -> float:
    """Seconds until a login with so many ``remaining`` is looked at again. It is asked about at
    most LEAD before its end, then each time that half of the rest is over: a client whose token
    service is away for a moment gets another chance."""
    return remaining if remaining <= LAST_ASKED else max(remaining - LEAD, remaining / 2)
