"""The content of the logs: as the observer read it, and as publishers got answers."""

from collections import defaultdict

from .record import Joined, Life, Position, Publish, Record
from .violations import Rule

EntryKey = tuple[str, str, int]  # room, epoch, offset


class Truth:
    """``entries`` grows with what subscribers were handed: a log that was lost before
    the observer read its end is known by them alone, and must be the same to all of them."""

    def __init__(self, record: Record) -> None:
        self.log_length = record.log_length
        self.published = {each.mark: each for each in record.publishes}
        self.lives = {
            (room, life.epoch): life
            for room, lives in record.history.lives.items()
            for life in lives
        }
        self.last = {room: lives[-1] for room, lives in record.history.lives.items()}
        self.entries: dict[EntryKey, str] = {}
        for (room, epoch), life in self.lives.items():
            self.entries |= {(room, epoch, at): mark for at, mark in life.entries.items()}

    def claim(self, room: str, position: Position, mark: str) -> str | None:
        """Note that a party saw this entry; returns the one that is there instead, if any."""
        found = self.entries.setdefault((room, *position), mark)
        return None if found == mark else found

    def error_of(
        self, room: str, position: Position, mark: str, *, at: float
    ) -> tuple[Rule, str] | None:
        """The violation by a publication that a party received here; None if it is right."""
        publish = self.published.get(mark)
        if publish is None or self.exceeded(room, position, at=at):
            return Rule.FORGED, f"{position} {mark}"
        if publish.room != room:
            return Rule.FOREIGN, f"{mark} was for {publish.room}"
        if instead := self.claim(room, position, mark):
            return Rule.ORDER, f"{position} is {mark} here, else {instead}"
        return None

    def exceeded(self, room: str, position: Position, *, at: float) -> bool:
        """Whether the log was read later and did not reach so far."""
        life = self.lives.get((room, position.epoch))
        return life is not None and life.last > at and position.offset > life.top

    def has_lost(self, room: str, position: Position, *, top: int) -> bool:
        """Whether something after this position was no longer kept, by a log that reached
        ``top`` or more."""
        life = self.lives.get((room, position.epoch))
        newest, gone = (life.top, life.gone) if life else (0, 0)
        return position.offset < max(gone, max(newest, top) - self.log_length)

    def is_no_loss(self, joined: Joined, position: Position) -> str | None:
        """Why this notice of a loss was wrong; None if there was a loss."""
        if joined.top.epoch != position.epoch:
            changed = joined.reason == "epoch_changed"
            return None if changed else f"{joined.reason}, in another epoch"
        if joined.reason == "expired":
            kept = not self.has_lost(joined.room, position, top=joined.top.offset)
            return "the log had everything" if kept else None
        if joined.reason == "ahead":
            return "it was not ahead" if position.offset <= joined.top.offset else None
        return f"{joined.reason}, in the same epoch"

    def positions(self) -> dict[str, set[tuple[str, Position]]]:
        """Where each publication is."""
        found = defaultdict(set)
        for (room, epoch, offset), mark in self.entries.items():
            found[mark].add((room, Position(epoch, offset)))
        return found

    def must_hold(self, publish: Publish) -> Life | None:
        """The one life of the log in which this began and was acknowledged, if there is one
        and nothing of it has escaped the observer."""
        acknowledged = publish.acknowledged
        if acknowledged is None:
            return None
        for (room, _), life in self.lives.items():
            if room == publish.room and life.first <= publish.began and life.last > acknowledged:
                return life if len(life.entries) == life.top else None
        return None
