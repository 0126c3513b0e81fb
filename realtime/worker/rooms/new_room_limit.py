"""Limits how many new rooms a user may create: a name costs little, but names are endless."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from realtime.common.client_address import client_network
from realtime.protocol.bucket import TokenBucket
from realtime.protocol.codes import ErrorCode
from realtime.store.records import Peer

from .permissions import Refused

K = TypeVar("K")
V = TypeVar("V")

# The most users (anonymous ones by address) and rooms remembered. The least recently used are
# forgotten first and start with a full burst.
MAX_OWNERS, MAX_ROOMS = 10_000, 100_000


class TooManyNewRooms(Refused):
    """The room is new, and its user has created too many lately."""

    def __init__(self) -> None:
        detail = "expected fewer new rooms at a time; ask for this one again later"
        super().__init__(detail, ErrorCode.RATE_LIMITED)


class NewRoomLimit:
    """Allows each user ``rate`` new rooms a second and ``burst`` at once, over all connections of
    this worker. A room counts once per user, as long as it is remembered."""

    def __init__(
        self, rate: float, burst: float, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()
        self._counted: OrderedDict[int, None] = OrderedDict()  # hashes of owner and room

    def count(self, room: str, peer: Peer) -> None:
        """Count a new room that a client wants to join. Raises TooManyNewRooms."""
        owner = ("user", peer.user) if peer.user else ("address", client_network(peer.address))
        name = hash((owner, room))
        if name not in self._counted and not self._bucket(owner).take(self._now()):
            raise TooManyNewRooms
        _remember(self._counted, name, None, limit=MAX_ROOMS)

    def _bucket(self, owner: tuple[str, str]) -> TokenBucket:
        bucket = self._buckets.get(owner) or TokenBucket(self._rate, self._burst, self._now())
        _remember(self._buckets, owner, bucket, limit=MAX_OWNERS)
        return bucket


def _remember(known: "OrderedDict[K, V]", key: K, value: V, *, limit: int) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > limit:
        known.popitem(last=False)
