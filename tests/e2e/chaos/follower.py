"""Goes through one subscriber's diary and says where it breaks the rules."""

from dataclasses import dataclass

from .record import Counted, Diary, Ended, Event, Got, Hello, Joining, Left, Position, Told
from .truth import Truth
from .violations import Rule, Violation, excerpt

REASONS = ("expired", "epoch_changed", "ahead")
MISCOUNTED, FINAL = 4007, 4500


@dataclass(slots=True)
class Place:
    """Where the subscriber is in a room. ``sent`` is the position of its last request,
    ``lost`` the offset up to which it was last told that everything is lost."""

    position: Position | None = None
    sent: Position | None = None
    lost: int = 0
    is_present: bool = False


class Follower:
    """Knows the protocol's rules of positions, and nothing of their implementation."""

    def __init__(self, diary: Diary, truth: Truth, *, began: float) -> None:
        self._diary = diary
        self._truth = truth
        self._began = began
        self._places: dict[str, Place] = {}
        self._number = 0
        self.found: list[Violation] = []

    def follow(self) -> list[Violation]:
        """The violations, those at the end included."""
        for number, event in enumerate(self._diary.events):
            self._number = number
            self._take(event)
        for room in sorted(self._diary.wanted):
            self._at_the_end(room)
        return self.found

    def _take(self, event: Event) -> None:
        match event:
            case Hello():
                self._begin(event)
            case Joining():
                self._place(event.room).sent = event.position
            case Told():
                self._told(event, self._place(event.room))
            case Got():
                self._got(event, self._place(event.room))
            case Left():
                self._place(event.room).is_present = False
            case Counted() if event.delivered != event.received:
                what = f"{event.delivered} delivered, {event.received} received"
                self._wrong(Rule.COUNT, "", what)
            case Ended() if event.code is not None:
                self._closed(event.code)

    def _place(self, room: str) -> Place:
        return self._places.setdefault(room, Place())

    def _closed(self, code: int) -> None:
        if code == MISCOUNTED or code >= FINAL:
            self._wrong(Rule.AWAY, "", f"closed with {code}")

    def _begin(self, hello: Hello) -> None:
        for place in self._places.values():
            place.is_present, place.sent = False, None
        for room, position in hello.rooms.items():
            self._place(room).sent = position

    # ------------------------------------------------------------ the server's answers

    def _told(self, told: Told, place: Place) -> None:
        if self._is_foreign(told.room):
            self._wrong(Rule.FOREIGN, told.room, "let into another user's room")
        if self._truth.exceeded(told.room, told.top, at=told.at):
            self._wrong(Rule.BELIEVED, told.room, f"the log never reached {told.top}")
        if not told.asked:
            self._check_unasked(told, place)
        elif told.recovered:
            self._recovered(told, place)
            return
        elif told.recovered is None:
            if place.sent is not None:
                self._wrong(Rule.ANSWER, told.room, "nothing said of the position that was sent")
        else:
            self._check_loss(told, place.sent)
        place.position, place.is_present = told.top, True
        place.lost = told.top.offset if told.recovered is False else 0

    def _recovered(self, told: Told, place: Place) -> None:
        sent = place.sent
        if sent is None:
            self._wrong(Rule.ANSWER, told.room, "recovered without a position")
        elif sent.epoch != told.top.epoch or sent.offset > told.top.offset:
            self._wrong(Rule.BELIEVED, told.room, f"{sent}, at {told.top}")
        place.position, place.is_present, place.lost = sent or told.top, True, 0

    def _check_unasked(self, told: Told, place: Place) -> None:
        if not place.is_present or told.recovered is not False:
            self._wrong(Rule.ANSWER, told.room, "joined without a request")
        else:
            self._check_loss(told, place.position)

    def _check_loss(self, told: Told, position: Position | None) -> None:
        if position is None or told.reason not in REASONS:
            self._wrong(Rule.ANSWER, told.room, f"lost after {position}: {told.reason}")
        elif why := self._truth.is_no_loss(told, position):
            self._wrong(Rule.NO_LOSS, told.room, f"after {position}: {why}")

    # ------------------------------------------------------------ what it was handed

    def _got(self, got: Got, place: Place) -> None:
        if self._is_foreign(got.room):
            self._wrong(Rule.FOREIGN, got.room, got.mark)
        if not place.is_present or place.position is None:
            self._wrong(Rule.UNANNOUNCED, got.room, f"{got.offset}")
            return
        at = place.position.offset
        if got.offset > at + 1:
            self._wrong(Rule.MISSING, got.room, f"{at + 1} to {got.offset - 1}")
        elif got.offset <= at:
            rule = Rule.REPLAYED if got.offset <= place.lost else Rule.TWICE
            self._wrong(rule, got.room, f"{got.offset}, after {at}")
        position = Position(place.position.epoch, got.offset)
        self._check_entry(got, position)
        place.position = max(position, place.position)

    def _check_entry(self, got: Got, position: Position) -> None:
        publish = self._truth.published.get(got.mark)
        exceeded = self._truth.exceeded(got.room, position, at=got.at)
        if publish is None or exceeded:
            self._wrong(Rule.FORGED, got.room, f"{position} {got.mark}")
        elif publish.room != got.room:
            self._wrong(Rule.FOREIGN, got.room, f"{got.mark} was for {publish.room}")
        elif instead := self._truth.claim(got.room, position, got.mark):
            self._wrong(Rule.ORDER, got.room, f"{position} is {got.mark} here, else {instead}")

    def _at_the_end(self, room: str) -> None:
        place, life = self._place(room), self._truth.last.get(room)
        if life is None:
            return
        top = Position(life.epoch, life.top)
        if not place.is_present or place.position != top:
            where = place.position if place.is_present else "not in the room"
            self._wrong(Rule.LATE, room, f"{where}, the log ends at {top}")

    def _is_foreign(self, room: str) -> bool:
        return room.startswith("user:") and room != self._diary.private

    def _wrong(self, rule: Rule, room: str, what: str) -> None:
        shown = room or self._diary.private
        lines = excerpt(self._diary.events, self._number, shown, began=self._began)
        self.found.append(Violation(rule, f"{self._diary.name} {room}".rstrip(), what, lines))
