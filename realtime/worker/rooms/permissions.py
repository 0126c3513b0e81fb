"""Permissions of users in rooms: the server's rules first, then the application's."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import Error
from realtime.protocol.position import Start
from realtime.protocol.rooms import EXPECTED, MAX_NAME, is_private, is_room, room_of

# Takes a room, and JOIN or PUBLISH; returns whether the user may.
Authorize = Callable[[str, str], Awaitable[bool]]

JOIN, PUBLISH = "join", "publish"


class Refused(Exception):
    """A request is refused. ``detail`` tells people what was expected. After ``rate_limited`` and
    ``unavailable`` a client asks again later; every other code is final."""

    def __init__(self, detail: str, code: ErrorCode = ErrorCode.FORBIDDEN) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def to_error(self, room: str, id_: int | None = None) -> Error:
        """Return the message for the client; ``id_`` is that of the request, None for hello."""
        shown = room if len(room) <= MAX_NAME else None  # do not echo a megabyte
        return Error(code=self.code.value, detail=self.detail, id=id_, room=shown)


def private_room(user: str) -> str | None:
    """Return the private room of the user with this key; None for anonymous users."""
    return room_of(user) if user else None


@dataclass(frozen=True, slots=True)
class Permissions:
    """Permissions of one connection's user; ``own_room`` is its private room. All methods raise
    Refused; :meth:`grant` and :meth:`check_join` also what ``authorize`` raises."""

    own_room: str | None
    max_rooms: int
    authorize: Authorize

    async def grant(self, wanted: Mapping[str, Start]) -> tuple[dict[str, Start], list[Error]]:
        """Check the rooms of a ``hello``; return those to join, the user's own included, and an
        error for each of the others."""
        granted: dict[str, Start] = {}
        if self.own_room:
            granted[self.own_room] = wanted.get(self.own_room)
        refusals = []
        for room, start in wanted.items():
            try:
                await self.check_join(room, among=granted)
            except Refused as refused:
                refusals.append(refused.to_error(room))
            else:
                granted[room] = start
        return granted, refusals

    async def check_join(self, room: str, *, among: Collection[str]) -> None:
        """Check whether the user may join a room, being in those of ``among``."""
        self._check_name(room)
        if room == self.own_room:
            return
        others = len(among) - (room in among) - (self.own_room in among)
        if others >= self.max_rooms:
            detail = f"expected at most {self.max_rooms} rooms"
            raise Refused(detail, ErrorCode.TOO_MANY_ROOMS)
        if not await self.authorize(room, JOIN):
            raise Refused("expected a room that this user may join")

    def check_leave(self, room: str) -> None:
        """Check whether the user may leave a room."""
        self._check_name(room)
        if room == self.own_room:
            raise Refused("expected a room other than the user's own, which no client leaves")

    def check_watch(self, room: str, *, among: Collection[str]) -> None:
        """Check whether the user, being in the rooms of ``among``, may see who is in this one."""
        self._check_name(room)
        if room not in among:
            raise Refused("expected a room that was joined", ErrorCode.NOT_JOINED)

    def check_publish(self, room: str) -> None:
        """Check the server's rules for publishing; the application checks its own."""
        self._check_name(room)
        if room == self.own_room:
            raise Refused("expected a room other than a user's own, where the server publishes")

    def _check_name(self, room: str) -> None:
        if not is_room(room):
            raise Refused(f"expected {EXPECTED}", ErrorCode.INVALID_MESSAGE)
        if is_private(room) and room != self.own_room:
            raise Refused("expected a room other than another user's private one")
