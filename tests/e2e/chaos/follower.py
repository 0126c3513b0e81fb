"""Goes through one subscriber's diary and says where it breaks the rules."""

from dataclasses import dataclass

from .record import Counted, Diary, Ended, Event, Got, Hello, Joined, JoinRequest, Left, Position
from .truth import Truth
from .violations import Rule, Violation, excerpt

REASONS = ("expired", "epoch_changed", "ahead")
MISCOUNTED, FINAL = 4007, 4500


@dataclass(slots=True)
class Member:
    """The subscriber as a member of a room. ``sent`` is the position of its last request,
    ``lost`` the offset up to which the last answer called everything lost."""

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
        self._members: dict[str, Member] = {}
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
            case JoinRequest():
                self._member(event.room).sent = event.position
            case Joined():
                self._joined(event, self._member(event.room))
            case Got():
                self._got(event, self._member(event.room))
            case Left():
                self._member(event.room).is_present = False
            case Counted() if event.delivered != event.received:
                what = f"{event.delivered} delivered, {event.received} received"
                self._wrong(Rule.COUNT, "", what)
            case Ended() if event.code is not None:
                self._closed(event.code)

    def _member(self, room: str) -> Member:
        return self._members.setdefault(room, Member())

    def _closed(self, code: int) -> None:
        if code == MISCOUNTED or code >= FINAL:
            self._wrong(Rule.AWAY, "", f"closed with {code}")

    def _begin(self, hello: Hello) -> None:
        for member in self._members.values():
            member.is_present, member.sent = False, None
        for room, position in hello.rooms.items():
            self._member(room).sent = position

    # ------------------------------------------------------------ the server's answers

    def _joined(self, joined: Joined, member: Member) -> None:
        if self._is_foreign(joined.room):
            self._wrong(Rule.FOREIGN, joined.room, "let into another user's room")
        if self._truth.exceeded(joined.room, joined.top, at=joined.at):
            self._wrong(Rule.BELIEVED, joined.room, f"the log never reached {joined.top}")
        if not joined.asked:
            self._check_unasked(joined, member)
        elif joined.recovered:
            self._recovered(joined, member)
            return
        elif joined.recovered is None:
            if member.sent is not None:
                self._wrong(Rule.ANSWER, joined.room, "nothing said of the position that was sent")
        else:
            self._check_loss(joined, member.sent)
        member.position, member.is_present = joined.top, True
        member.lost = joined.top.offset if joined.recovered is False else 0

    def _recovered(self, joined: Joined, member: Member) -> None:
        sent = member.sent
        if sent is None:
            self._wrong(Rule.ANSWER, joined.room, "recovered without a position")
        elif sent.epoch != joined.top.epoch or sent.offset > joined.top.offset:
            self._wrong(Rule.BELIEVED, joined.room, f"{sent}, at {joined.top}")
        member.position, member.is_present, member.lost = sent or joined.top, True, 0

    def _check_unasked(self, joined: Joined, member: Member) -> None:
        if not member.is_present or joined.recovered is not False:
            self._wrong(Rule.ANSWER, joined.room, "joined without a request")
        else:
            self._check_loss(joined, member.position)

    def _check_loss(self, joined: Joined, position: Position | None) -> None:
        if position is None or joined.reason not in REASONS:
            self._wrong(Rule.ANSWER, joined.room, f"lost after {position}: {joined.reason}")
        elif why := self._truth.is_no_loss(joined, position):
            self._wrong(Rule.NO_LOSS, joined.room, f"after {position}: {why}")

    # ------------------------------------------------------------ what it was handed

    def _got(self, got: Got, member: Member) -> None:
        if self._is_foreign(got.room):
            self._wrong(Rule.FOREIGN, got.room, got.mark)
        if not member.is_present or member.position is None:
            self._wrong(Rule.UNANNOUNCED, got.room, f"{got.offset}")
            return
        at = member.position.offset
        if got.offset > at + 1:
            self._wrong(Rule.MISSING, got.room, f"{at + 1} to {got.offset - 1}")
        elif got.offset <= at:
            rule = Rule.REPLAYED if got.offset <= member.lost else Rule.TWICE
            self._wrong(rule, got.room, f"{got.offset}, after {at}")
        position = Position(member.position.epoch, got.offset)
        if error := self._truth.error_of(got.room, position, got.mark, at=got.at):
            self._wrong(error[0], got.room, error[1])
        member.position = max(position, member.position)

    def _at_the_end(self, room: str) -> None:
        member, life = self._member(room), self._truth.last.get(room)
        if life is None:
            return
        top = Position(life.epoch, life.top)
        if not member.is_present or member.position != top:
            where = member.position if member.is_present else "not in the room"
            self._wrong(Rule.LATE, room, f"{where}, the log ends at {top}")

    def _is_foreign(self, room: str) -> bool:
        return room.startswith("user:") and room != self._diary.private

    def _wrong(self, rule: Rule, room: str, what: str) -> None:
        shown = room or self._diary.private
        lines = excerpt(self._diary.events, self._number, shown, began=self._began)
        self.found.append(Violation(rule, f"{self._diary.name} {room}".rstrip(), what, lines))
