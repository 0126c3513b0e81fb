"""Goes through the diary of one handle of a program and says where it breaks its promise."""

from .follower import REASONS
from .record import Gap, HandleDiary, Joined, Position, Received
from .truth import Truth
from .violations import Rule, Violation, excerpt

LEFT_OUT = 16  # publications, of a log that drops its oldest: docs/protocol.md, "Rewinds"


class HandleFollower:
    """Knows what the client promises to a reader, and nothing of its implementation."""

    def __init__(self, diary: HandleDiary, truth: Truth, *, began: float) -> None:
        self._diary = diary
        self._room = diary.room
        self._truth = truth
        self._began = began
        self._position = diary.since or diary.start
        self._rewound = 0  # messages of the rewind so far
        self._rewinds = diary.rewind > 0  # its messages may still come
        self._number = 0
        self.found: list[Violation] = []

    def follow(self) -> list[Violation]:
        """The violations, those at the end included."""
        start, joined = self._diary.start, self._diary.joined
        if start and joined is not None and not self._diary.since:
            self._check_reached(start, joined)
        for number, event in enumerate(self._diary.events):
            self._number = number
            if isinstance(event, Gap):
                self._take_gap(event)
            else:
                self._take_message(event)
        if self._diary.wanted:
            self._at_the_end()
        return self.found

    # ------------------------------------------------------------ gaps

    def _take_gap(self, gap: Gap) -> None:
        if gap.initial and self._number:
            self._wrong(Rule.ANSWER, "an initial gap, though not at first")
        if gap.reason == "unknown":
            if not self._diary.unknown or not gap.initial:
                self._wrong(Rule.NO_LOSS, "its position was known")
        else:
            self._check_loss(gap)
        self._check_reached(gap.position, gap.at)
        self._position, self._rewinds = gap.position, False

    def _check_loss(self, gap: Gap) -> None:
        before = self._position
        if before is None or gap.reason not in REASONS:
            self._wrong(Rule.ANSWER, f"lost after {before}: {gap.reason}")
            return
        joined = Joined(gap.at, self._room, gap.position, recovered=False, reason=gap.reason)
        if why := self._truth.is_no_loss(joined, before):
            self._wrong(Rule.NO_LOSS, f"after {before}: {why}")

    def _check_reached(self, position: Position, at: float) -> None:
        if self._truth.exceeded(self._room, position, at=at):
            self._wrong(Rule.BELIEVED, f"the log never reached {position}")

    # ------------------------------------------------------------ messages

    def _take_message(self, message: Received) -> None:
        self._check_follows(message.position)
        self._check_rewind(message)
        if self._room.startswith("user:") and self._room != self._diary.private:
            self._wrong(Rule.FOREIGN, message.mark)
        elif error := self._truth.error_of(
            self._room, message.position, message.mark, at=message.at
        ):
            self._wrong(*error)
        self._position = message.position

    def _check_follows(self, position: Position) -> None:
        before = self._position
        if before is None:
            self._wrong(Rule.UNANNOUNCED, f"{position}")
        elif position.epoch != before.epoch or position.offset > before.offset + 1:
            self._wrong(Rule.MISSING, f"between {before} and {position}")
        elif position.offset <= before.offset:
            self._wrong(Rule.TWICE, f"{position}, after {before}")

    def _check_rewind(self, message: Received) -> None:
        """A rewind is as long as it was asked for, unless the log does not reach so far."""
        if message.replayed:
            self._rewound += 1
            if not self._rewinds or self._rewound > self._diary.rewind:
                self._wrong(Rule.ANSWER, f"{message.position} is called replayed")
        elif self._rewinds:
            self._rewinds = False
            if self._rewound < self._diary.rewind and not self._begins_its_log():
                self._wrong(Rule.MISSING, f"{self._rewound} of {self._diary.rewind} replayed")

    def _begins_its_log(self) -> bool:
        start = self._diary.start
        if start is None or start.offset == 0:
            return True
        margin = min(LEFT_OUT, self._rewound // 7)  # an eighth of a short log
        before = Position(start.epoch, start.offset - 1 - margin)
        return self._truth.has_lost(self._room, before, top=start.offset)

    # ------------------------------------------------------------ the end

    def _at_the_end(self) -> None:
        life = self._truth.last.get(self._room)
        if life is not None and self._position != (life.epoch, life.top):
            top = f"the log ends at {life.epoch}:{life.top}"
            self._wrong(Rule.LATE, f"{self._position or 'not in the room'}, {top}")

    def _wrong(self, rule: Rule, what: str) -> None:
        lines = excerpt(self._diary.events, self._number, self._room, began=self._began)
        self.found.append(Violation(rule, f"{self._diary.program} {self._room}", what, lines))
