"""How many new rooms a user may bring about: names cost little, but are without number."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from realtime.common.client_address import place_of
from realtime.protocol.bucket import TokenBucket
from realtime.protocol.codes import ErrorCode
from realtime.store.records import Peer

from .permissions import Refused

K = TypeVar("K")
V = TypeVar("V")

# Remembered at most: so many users (anonymous ones by address), and so many rooms that somebody has
# brought about. Those not seen for longest are forgotten first, and begin with a full burst.
MOST_OWNERS, MOST_ROOMS = 10_000, 100_000


class TooManyNewRooms(Refused):
    """The room is new, and its user has named too many new ones lately."""

    def __init__(self) -> None:
        detail = "expected fewer new rooms at a time; ask for this one again later"
        super().__init__(detail, ErrorCode.RATE_LIMITED)


class NewRoomLimit:
    """``rate`` new rooms a second and ``burst`` at once, for each user over all connections of
    this worker. A room counts once for a user that comes back to it, as long as it is remembered.
    """

    def __init__(
        self, rate: float, burst: float, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()
        self._counted: OrderedDict[int, None] = OrderedDict()  # hashes of owner and room

    def count(self, room: str, peer: Peer) -> None:
        """Somebody asks for a new room. Raises TooManyNew."""
        owner = ("user", peer.user) if peer.user else ("address", place_of(peer.address))
        name = hash((owner, room))
        if name not in self._counted and not self._bucket(owner).take(self._now()):
            raise TooManyNewRooms
        _remember(self._counted, name, None, most=MOST_ROOMS)

    def _bucket(self, owner: tuple[str, str]) -> TokenBucket:
        bucket = self._buckets.get(owner) or TokenBucket(self._rate, self._burst, self._now())
        _remember(self._buckets, owner, bucket, most=MOST_OWNERS)
        return bucket


def _remember(known: "OrderedDict[K, V]", key: K, value: V, *, most: int) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > most:
        known.popitem(last=False)
