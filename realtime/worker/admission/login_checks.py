"""Checks logins again: Django sessions in their store, tokens with the application."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from realtime.common.handler_threads import HandlerThreads
from realtime.common.threads import Overloaded
from realtime.common.time_limit import time_limit
from realtime.protocol.codes import CloseCode
from realtime.security.authentication import Login
from realtime.store.contract import AtCapacity

from ..sessions.checked_login import CheckedLogin, TokenApplication, by_application

CHECK_TIMEOUT = 10.0  # seconds for ``ended_tokens``

EndedSessions = Callable[[Sequence[Login]], Awaitable[Mapping[Login, CloseCode]]]


class LoginChecks:
    """``ended_sessions(logins)`` returns the close code of each Django session that has ended, and
    raises StoreUnavailable if it cannot be known."""

    def __init__(self, ended_sessions: EndedSessions, threads: HandlerThreads) -> None:
        self._ended_sessions = ended_sessions
        self._threads = threads

    async def ended_logins(
        self, logins: Sequence[CheckedLogin]
    ) -> Mapping[CheckedLogin, CloseCode]:
        """The close code of each login that no longer stands: LOGGED_OUT for those of tokens.

        Raises StoreUnavailable if it cannot be known, what ``ended_tokens`` raises, TypeError if
        that returns anything but logins, and TimeoutError after CHECK_TIMEOUT.
        """
        ended: dict[CheckedLogin, CloseCode] = {}
        for application, group in by_application(logins).items():
            same = [each.login for each in group]
            if application is None:
                codes = await self._ended_sessions(same)
            else:
                codes = await self._ended_tokens(application, same)
            ended |= {CheckedLogin(login, application): code for login, code in codes.items()}
        return ended

    async def _ended_tokens(
        self, application: type[TokenApplication], logins: Sequence[Login]
    ) -> Mapping[Login, CloseCode]:
        try:
            async with time_limit(CHECK_TIMEOUT):
                with self._threads.executor():
                    ended = list(await application.ended_tokens(logins))
        except Overloaded:
            raise AtCapacity("no thread was free for the application's code") from None
        _check_answer(application, ended)
        return dict.fromkeys(ended, CloseCode.LOGGED_OUT)


def _check_answer(application: type[TokenApplication], ended: Sequence[object]) -> None:
    """Keys in place of logins would match none, and end nothing."""
    if wrong := [each for each in ended if not isinstance(each, Login)]:
        name = f"{application.__qualname__}.ended_tokens"
        raise TypeError(f"{name}: expected some of the logins that it got, not a {type(wrong[0])}")
