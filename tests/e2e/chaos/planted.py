"""Faults planted in our own code, in the processes of a run that asks for one by the variable
PLANTED: what a checker does not find in them, it would not find in us."""

import os
from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig

from realtime.protocol.position import Gap, Position
from realtime.store import log as contract
from realtime.store.redis import log as redis_log
from realtime.worker.rooms.encoding import EncodedPublication
from realtime.worker.rooms.log_view import LogView
from realtime.worker.rooms.room import Member, Room, Subscription


class Planted(AppConfig):
    """Plants what is asked for, if anything is."""

    name = "tests.e2e.chaos"
    label = "planted"

    def ready(self) -> None:
        if name := os.environ.get("PLANTED"):
            FAULTS[name]()


def lost_hint() -> None:
    """Publications of lost hints are never found: there is no audit."""

    def on_top(self: LogView, end: contract.LogEnd, *, newest_before: int) -> bool:
        return newest_before < 0

    LogView.on_top = on_top  # type: ignore[method-assign]


def live_too_early() -> None:
    """A client that comes back with a position gets new publications, and none before them."""
    join = Room.join

    def eager(
        self: Room, member: Member, position: Position | None = None, *, rewinds: bool = False
    ) -> Gap | None:
        gap = join(self, member, position, rewinds=rewinds)
        subscription = self._members[member]
        subscription.offset, subscription.live = self.log.newest.offset, True
        self._behind.pop(member, None)
        return gap

    Room.join = eager  # type: ignore[method-assign]


def replay_beyond_top() -> None:
    """A replay hands out all that was read, also what will come live as well."""

    def catch_up(
        self: Room, subscription: Subscription, publications: Iterable[EncodedPublication]
    ) -> None:
        for publication in publications:
            if not self._replay(subscription.member, publication):
                break
            subscription.offset = min(publication.offset, self.log.top)
        if subscription.offset == self.log.top:
            subscription.live = True
        del self._behind[subscription.member]

    Room._catch_up = catch_up  # type: ignore[method-assign]


def forgotten_key() -> None:
    """A client that repeats an unanswered publish request publishes twice."""

    def keyless(request: contract.PublishRequest) -> dict[str, Any]:
        return {"data": request.data}

    redis_log._of_request = keyless


FAULTS = {
    "lost hint": lost_hint,
    "live too early": live_too_early,
    "replay beyond top": replay_beyond_top,
    "forgotten key": forgotten_key,
}
