"""Who may do what in which room: the server's own rules first, then the application's."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import Error
from realtime.protocol.position import Position
from realtime.protocol.rooms import EXPECTED, MAX_NAME, is_private, is_room, room_of

# Given a room, and "join" or "publish": whether this user may.
Authorize = Callable[[str, str], Awaitable[bool]]

JOIN, PUBLISH = "join", "publish"


class Refused(Exception):
    """Somebody asks for what cannot be. ``detail`` is for people and says what was expected.

    After ``rate_limited`` and ``unavailable`` a client asks again later; every other code
    is final.
    """

    def __init__(self, detail: str, code: ErrorCode = ErrorCode.FORBIDDEN) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def about(self, room: str, id_: int | None = None) -> Error:
        """What the client is told."""
        shown = room if len(room) <= MAX_NAME else None  # a megabyte in is no megabyte out
        return Error(code=self.code.value, detail=self.detail, id=id_, room=shown)


def private_room(user: str) -> str | None:
    """The room of a user's own; None for nobody, and for a key that makes no name."""
    with suppress(ValueError):
        return room_of(user)
    return None


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one connection's user may. The methods raise Refused, and what ``authorize``
    raises."""

    own: str | None
    max_rooms: int
    authorize: Authorize

    async def grant(
        self, wanted: Mapping[str, Position | None]
    ) -> tuple[dict[str, Position | None], list[Error]]:
        """Which of the rooms of a ``hello`` are its own or allowed, and what it is told of the
        others."""
        granted = {self.own: wanted.get(self.own)} if self.own else {}
        refusals = []
        for room, position in wanted.items():
            try:
                await self.to_join(room, among=granted)
            except Refused as refused:
                refusals.append(refused.about(room))
            else:
                granted[room] = position
        return granted, refusals

    async def to_join(self, room: str, *, among: Collection[str]) -> None:
        """Join a room; ``among`` are those it is in."""
        self._check(room)
        if room == self.own:
            return
        others = len(among) - (room in among) - (self.own in among)
        if others >= self.max_rooms:
            detail = f"expected at most {self.max_rooms} rooms"
            raise Refused(detail, ErrorCode.TOO_MANY_ROOMS)
        if not await self.authorize(room, JOIN):
            raise Refused("expected a room that this user may join")

    def to_leave(self, room: str) -> None:
        """Leave a room."""
        self._check(room)
        if room == self.own:
            raise Refused("expected a room other than the user's own, which nobody leaves")

    def to_say(self, room: str) -> None:
        """Say something in a room, as far as it is the server's to decide."""
        self._check(room)
        if room == self.own:
            raise Refused("expected a room other than a user's own, where the server publishes")

    def _check(self, room: str) -> None:
        if not is_room(room):
            raise Refused(f"expected {EXPECTED}", ErrorCode.INVALID_MESSAGE)
        if is_private(room) and room != self.own:
            raise Refused("expected a room other than the private one of somebody else")
