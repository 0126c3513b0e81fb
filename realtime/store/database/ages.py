"""How old is what the message log holds, by a clock that may have been set back."""

from functools import cached_property

from django.db.models import Q

from realtime.models import Registry

from .transaction import Database


class Ages:
    """The ages at one moment of this database's clock.

    What lies further ahead than it is kept was put there by a clock that was wrong: it counts from
    when a worker noticed that the clock was set back.
    """

    def __init__(self, database: Database, now: int) -> None:
        self.now = now
        self._registry = Registry.objects.using(database.alias)

    def is_over(self, at: int, kept_ms: int) -> bool:
        """Whether what is from then, and is kept for so long, is kept no longer."""
        if at <= self.now + kept_ms:
            return at <= self.now - kept_ms
        return at <= self._forgotten(kept_ms)

    def over(self, column: str, kept_ms: int, *, later_ms: int = 0) -> Q:
        """The same of rows; ``column`` is later than what they are from by so much."""
        first, last = self.now + kept_ms + later_ms, self._forgotten(kept_ms) + later_ms
        ended = Q(**{f"{column}__lte": self.now - kept_ms + later_ms})
        return ended | Q(**{f"{column}__gt": first, f"{column}__lte": last})

    def _forgotten(self, kept_ms: int) -> int:
        """What lies ahead is over up to here."""
        noticed, ahead = self._set_back
        return ahead + kept_ms if noticed <= self.now - kept_ms else 0

    @cached_property
    def _set_back(self) -> tuple[int, int]:
        """When that was noticed last, and what the clock had said before."""
        found = self._registry.filter(id=1).values_list("set_back_at", "set_back_from").first()
        return found or (0, 0)
