"""One room on the wire, and the handles that read it, each from a place of its own.

Invariants:

1. A cursor is *synced* while the server sends every publication after its position on the present
   connection. Only a synced cursor receives publications, each once, in order, without a hole.
2. Cursors that are not synced make the client join once more, from the lowest of their positions.
   The server then repeats what the other cursors have had; they drop it.
3. `recovered: false` concerns the cursors at the position that was asked for (all of that epoch, if
   the log is another one). The others ask from their own positions: one cursor's gap takes no
   publication from another.
4. Each answer settles at least one of the cursors that it was asked for, so the joins end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from realtime.protocol.position import Position

from .errors import Resync

Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A publication as a handle receives it. ``replayed``: it comes from a ``rewind``."""

    data: Any
    position: Position
    time: datetime  # when the log got it, by the store's clock
    replayed: bool = False

    @property
    def offset(self) -> int:
        """Its number in the room's log."""
        return self.position.offset


class JoinAsk(NamedTuple):
    """The place that a join, or a hello, asks a room from; neither: from now on."""

    position: Position | None = None
    rewind: int = 0

    @property
    def entry(self) -> Frame | None:
        """The room's value in a hello."""
        if self.rewind:
            return {"rewind": self.rewind}
        return as_frame(self.position) if self.position else None

    @property
    def fields(self) -> Frame:
        """The fields of a join."""
        if self.rewind or not self.position:
            return self.entry or {}
        return {"position": as_frame(self.position)}


@dataclass(slots=True, eq=False)
class RoomCursor:
    """The place of one handle. ``position`` is that of the last publication it has received; None
    at first: it begins ``rewind`` publications before the end of the log, or at the end.

    ``receive(item)`` gets each publication and each gap; ``on_synced()`` is called at each sync.
    """

    receive: Callable[[IncomingMessage | Resync], None]
    on_synced: Callable[[], None]
    position: Position | None = None
    rewind: int = 0
    unknown: bool = False  # it begins at a position that its page could not know
    initial: bool = True  # not synced yet
    synced: bool = False
    replayed_to: int = 0  # publications up to this offset are of the rewind

    def sync(self) -> None:
        """Receive from now on."""
        self.synced, self.initial = True, False
        self.on_synced()

    def start(self, position: Position) -> None:
        """Begin after this position."""
        self.position, self.rewind = position, 0
        if self.unknown:
            self.unknown = False
            self.receive(Resync("unknown", initial=True, position=position))
        self.sync()

    def skip(self, position: Position, reason: str) -> None:
        """Go on after this position; publications before it are missing."""
        self.position, self.replayed_to = position, 0
        self.receive(Resync(reason, initial=self.initial, position=position))
        self.sync()

    def on_publication(self, frame: Frame) -> None:
        """Receive a publication, unless it is a repetition. The server never skips one: after a
        hole the cursor is no longer synced."""
        position = self.position
        if not self.synced or position is None or frame["offset"] <= position.offset:
            return
        if frame["offset"] > position.offset + 1:
            self.synced = False
            return
        self.position = Position(position.epoch, frame["offset"])
        time = datetime.fromtimestamp(frame["time"] / 1000, UTC)
        replayed = frame["offset"] <= self.replayed_to
        self.receive(IncomingMessage(frame["data"], self.position, time, replayed))


class RoomSubscription:
    """The cursors of one room. It knows no connection: its owner sends the joins it asks for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cursors: list[RoomCursor] = []
        self.joined = False  # on the present connection
        self._top: Position | None = None  # the newest publication that the server has named

    def lose(self) -> None:
        """The connection has ended."""
        self.joined = False
        for cursor in self.cursors:
            cursor.synced = False

    def next_ask(self) -> JoinAsk | None:
        """Return what to ask the server for, None for nothing. A cursor that begins at the end of
        a joined room needs no answer and is synced here."""
        waiting = self._waiting()
        places = [cursor.position for cursor in waiting if cursor.position]
        if places:
            same_log = (place for place in places if place.epoch == places[0].epoch)
            return JoinAsk(min(same_log, key=lambda place: place.offset))
        if rewind := max((cursor.rewind for cursor in waiting), default=0):
            return JoinAsk(rewind=rewind)
        if not self.joined or self._top is None:
            return JoinAsk()
        for cursor in waiting:
            cursor.start(self._top)
        return None

    def on_joined(self, ask: JoinAsk, entry: Frame) -> None:
        """Apply an answer: a ``joined`` frame, or the room's entry in a welcome."""
        end = self._join(entry)
        if ask.rewind:
            self._rewind(ask.rewind, end, entry["after"])
        elif ask.position is None:
            self._start_others(end)
        elif entry.get("recovered"):
            self._recover(ask.position, end)
        else:
            self._skip(ask.position, end, entry.get("reason") or "expired")

    def on_replaced(self, entry: Frame) -> None:
        """Apply a ``joined`` that answers nothing: publications up to its offset do not come. Each
        cursor before it asks whether its own position can still be reached."""
        self._desync(self._join(entry))

    def on_publication(self, frame: Frame) -> None:
        """Hand a publication to the cursors."""
        if self._top and frame["offset"] > self._top.offset:
            self._top = Position(self._top.epoch, frame["offset"])
        for cursor in tuple(self.cursors):  # a full one leaves
            cursor.on_publication(frame)

    def _join(self, entry: Frame) -> Position:
        end = Position(entry["epoch"], entry["offset"])
        if self._top is None or self._top.epoch != end.epoch or not self.joined:
            self._top = end
        self._top = max(self._top, end, key=lambda place: place.offset)
        self.joined = True
        return end

    def _waiting(self) -> list[RoomCursor]:
        return [cursor for cursor in self.cursors if not cursor.synced]

    def _rewind(self, asked: int, end: Position, after: int) -> None:
        for cursor in self._waiting():
            if 0 < cursor.rewind <= asked:
                cursor.replayed_to = end.offset
                start = max(after, end.offset - cursor.rewind)
                cursor.start(Position(end.epoch, start))
        self._desync(Position(end.epoch, after))

    def _start_others(self, end: Position) -> None:
        for cursor in self._waiting():
            if cursor.position is None and not cursor.rewind:
                cursor.start(end)

    def _recover(self, asked: Position, end: Position) -> None:
        for cursor in self._waiting():
            place = cursor.position
            if place is None or place.epoch != asked.epoch or place.offset < asked.offset:
                continue
            if cursor.initial and place.offset > end.offset:
                continue  # a position that this log has never had: it asks by itself
            cursor.sync()

    def _skip(self, asked: Position, end: Position, reason: str) -> None:
        other_log = asked.epoch != end.epoch
        for cursor in self._waiting():
            place = cursor.position
            if place == asked or (other_log and place and place.epoch == asked.epoch):
                cursor.skip(end, reason)
        self._desync(end)

    def _desync(self, served_after: Position) -> None:
        """Let the cursors ask that would miss publications, as none come up to this position."""
        for cursor in self.cursors:
            place = cursor.position
            if cursor.synced and place and not _reaches(place, served_after):
                cursor.synced = False


def _reaches(place: Position, needed: Position) -> bool:
    return place.epoch == needed.epoch and place.offset >= needed.offset


def as_frame(position: Position) -> Frame:
    """Return a position as the wire has it."""
    return {"epoch": position.epoch, "offset": position.offset}
