"""A login that can be checked again, and the call that does it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from realtime.protocol.codes import CloseCode

if TYPE_CHECKING:  # it needs settings, which the ticker and its sessions do without
    from realtime.security.authentication import Login


class TokenApplication(Protocol):
    """A consumer, whose class knows which of its token logins have ended."""

    @classmethod
    async def ended_tokens(cls, logins: "Sequence[Login]") -> "Iterable[Login]": ...


class CheckedLogin(NamedTuple):
    """A login that can be checked again: that of a token by ``application``, the class of the
    consumer; that of a Django session (None) in the sessions' store."""

    login: "Login"
    application: type[TokenApplication] | None = None


# ended_logins(logins) returns the close code of each login that has ended. Raises StoreUnavailable,
# and what ``ended_tokens`` raises.
EndedLogins = Callable[[Sequence[CheckedLogin]], Awaitable[Mapping[CheckedLogin, CloseCode]]]


def by_application(
    logins: Iterable[CheckedLogin],
) -> Mapping[type[TokenApplication] | None, Sequence[CheckedLogin]]:
    """These logins, grouped by what checks them."""
    found: defaultdict[type[TokenApplication] | None, list[CheckedLogin]] = defaultdict(list)
    for login in logins:
        found[login.application].append(login)
    return found
