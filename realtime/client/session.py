"""The session that the client resumes, with the number of each attempt."""

from dataclasses import dataclass
from typing import Any

# Until a welcome names the server's, seconds.
RESUME_WINDOW = 120.0

# More attempts than another connection can have made: one without a turn counts as the next.
TURNS_OF_OTHERS = 1000


@dataclass(slots=True)
class ResumableSession:
    """The name and the secret of the session, in memory only: two processes with one session would
    take it from each other without end. Times are seconds of a clock that counts sleep."""

    name: str | None = None
    _token: str = ""
    _turn: int = 0
    _window: float = RESUME_WINDOW
    _reclaimed_at: float | None = None

    def on_welcome(self, welcome: dict[str, Any]) -> None:
        """Keep the session of a welcome."""
        if welcome["session"] != self.name:
            self._turn = 0
        self.name = welcome["session"]
        self._token = welcome["token"]
        self._window = welcome["resume_window"] / 1000

    def clear(self) -> None:
        """Begin a new session at the next hello."""
        self.name = None
        self._reclaimed_at = None

    def resume(self) -> dict[str, Any] | None:
        """Return the ``resume`` of the next hello, with a higher turn than ever before, so that a
        delayed attempt cannot take the session from a later one; None asks for a new session."""
        if self.name is None:
            return None
        self._turn += 1
        return {"session": self.name, "token": self._token, "turn": self._turn}

    def reclaim(self, now: float) -> bool:
        """Return whether to take back the session after another connection has resumed it: once
        per resume window, since a delayed attempt of this client may have been the other one. A
        second takeover within the window is by a copy of it."""
        recently = self._reclaimed_at is not None and now - self._reclaimed_at < self._window
        if self.name is None or recently:
            return False
        self._reclaimed_at = now
        self._turn += TURNS_OF_OTHERS
        return True
