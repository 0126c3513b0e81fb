"""The parameters of a store, whichever it is."""

from dataclasses import dataclass

from .log import DEFAULT_BOUNDS, LogBounds
from .ownership import Owner
from .timeouts import Timeouts


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreParams:
    """``prefix`` begins all keys in a Redis. ``timeout`` is the most seconds that a call takes,
    except in threads on a database. The first call checks that the store belongs to ``owner``."""

    timeouts: Timeouts
    prefix: str
    timeout: float
    bounds: LogBounds = DEFAULT_BOUNDS
    owner: Owner | None = None
