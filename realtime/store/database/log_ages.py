"""The age of what the message log holds, by a clock that may have been set back."""

from functools import cached_property

from django.db.models import Q

from realtime.models import Registry

from .transaction import Database


class Ages:
    """Ages at ``now``, a moment of this database's clock.

    A time further in the future than its row is kept was written by a wrong clock: its age counts
    from when a worker noticed that the clock was set back.
    """

    def __init__(self, database: Database, now: int) -> None:
        self.now = now
        self._registry = Registry.objects.using(database.alias)

    def is_over(self, at: int, kept_ms: int) -> bool:
        """Whether something of this time, which is kept for so long, has expired."""
        if at <= self.now + kept_ms:
            return at <= self.now - kept_ms
        return at <= self._expired_until(kept_ms)

    def over(self, column: str, kept_ms: int, *, later_ms: int = 0) -> Q:
        """The same as a filter; the column holds a time that is ``later_ms`` later."""
        first = self.now + kept_ms + later_ms
        last = self._expired_until(kept_ms) + later_ms
        ended = Q(**{f"{column}__lte": self.now - kept_ms + later_ms})
        return ended | Q(**{f"{column}__gt": first, f"{column}__lte": last})

    def _expired_until(self, kept_ms: int) -> int:
        """Times in the future have expired up to this one."""
        noticed_at, set_back_from = self._set_back
        return set_back_from + kept_ms if noticed_at <= self.now - kept_ms else 0

    @cached_property
    def _set_back(self) -> tuple[int, int]:
        """When a worker last noticed that the clock was set back, and from which time."""
        found = self._registry.filter(id=1).values_list("set_back_at", "set_back_from").first()
        return found or (0, 0)
