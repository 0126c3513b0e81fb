"""Judges a run by its record alone."""

from collections import defaultdict
from collections.abc import Iterator

from .follower import Follower
from .handle_follower import HandleFollower
from .record import Position, Publish, Record
from .truth import Truth
from .violations import Rule, Violation

Positions = dict[str, set[tuple[str, Position]]]

# The ends of requests: "left" by the program itself, "lost" with the connection, or refused.
ENDS = frozenset(
    {"done", "left", "lost", "disconnected", "rate_limited", "unavailable", "too_many_requests"}
)

# Seconds that a try may be under way: a worker stands still for 4.3 at most, a line and Redis for
# 2.7 each (`nemesis.py`).
LATE = 10.0


def check(record: Record) -> list[Violation]:
    """Everything that is wrong; empty if every promise was kept."""
    truth = Truth(record)
    found = [Violation(Rule.FORK, "observer", odd) for odd in record.history.oddities]
    found += _acknowledgements(record, truth)
    for diary in record.diaries:
        found += Follower(diary, truth, began=record.began).follow()
    for handle in record.handles:
        found += HandleFollower(handle, truth, began=record.began).follow()
    positions = truth.positions()
    found += _published(record, truth, positions)
    found += _repeated(record, positions)
    found += _sequence(record, truth)
    found += _queues(record, positions)
    found += _requests(record)
    found += _counts(record)
    found += [Violation(Rule.GHOST, "the registry", ghost) for ghost in record.ghosts]
    return found


def _violation(rule: Rule, publish: Publish, what: str) -> Violation:
    return Violation(rule, f"{publish.by} {publish.room}", f"{publish.mark}: {what}")


def _acknowledgements(record: Record, truth: Truth) -> Iterator[Violation]:
    """The positions that publishers got."""
    for publish in record.publishes:
        position, at = publish.position, publish.acknowledged
        if position is None or at is None:
            continue
        if truth.exceeded(publish.room, position, at=at):
            yield _violation(Rule.UNKEPT, publish, f"the log never reached {position}")
        elif instead := truth.claim(publish.room, position, publish.mark):
            yield _violation(Rule.ORDER, publish, f"at {position} is {instead}")


def _published(record: Record, truth: Truth, positions: Positions) -> Iterator[Violation]:
    """Acknowledged publications are there, refused ones are not, and each has a publisher."""
    for publish in record.publishes:
        there = publish.mark in positions
        if publish.refused and there:
            yield _violation(Rule.REFUSED, publish, f"at {positions[publish.mark]}")
        elif not there and (life := truth.must_hold(publish)):
            yield _violation(Rule.UNKEPT, publish, f"not in epoch {life.epoch}")
    for mark, places in positions.items():
        publish_ = truth.published.get(mark)
        if publish_ is None or any(room != publish_.room for room, _ in places):
            yield Violation(Rule.FORGED, "the logs", f"{mark} at {places}")


def _repeated(record: Record, positions: Positions) -> Iterator[Violation]:
    """However often it was tried, it is there once: unless Redis forgot the key meanwhile."""
    for publish in record.publishes:
        places = positions.get(publish.mark, set())
        if len(places) < 2:
            continue
        epochs = {position.epoch for _, position in places}
        in_one_log = len(epochs) < len(places)
        is_late = not in_one_log and _came_late(record, publish, epochs)
        if not is_late and not _was_forgotten(record, publish, in_one_log=in_one_log):
            where = ", ".join(f"{position}" for _, position in sorted(places))
            yield _violation(Rule.AGAIN, publish, f"{publish.tries} tries, at {where}")


def _was_forgotten(record: Record, publish: Publish, *, in_one_log: bool = False) -> bool:
    """Whether its key was lost meanwhile, and for ``in_one_log`` the log was not."""
    until = publish.acknowledged or float("inf")
    return any(
        (deed.keeps_logs if in_one_log else deed.forgets)
        and deed.ended >= publish.began
        and deed.began <= until
        for deed in record.deeds
    )


def _came_late(record: Record, publish: Publish, epochs: set[str]) -> bool:
    """Whether Redis lost everything right after the acknowledgement of one try, when another may
    still have been under way: it is in a log then that was begun after this loss."""
    if publish.acknowledged is None or publish.tries < 2:
        return False
    lives = record.history.lives.get(publish.room, [])
    begun = [life.first for life in lives if life.epoch in epochs]
    newest = max(begun) if len(begun) == len(epochs) else float("inf")
    until = min(publish.acknowledged + LATE, newest)
    return any(
        deed.forgets and not deed.keeps_logs and publish.acknowledged <= deed.began <= until
        for deed in record.deeds
    )


def _sequence(record: Record, truth: Truth) -> Iterator[Violation]:
    """A publication begun after another was acknowledged comes after it."""
    logs: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for (room, epoch, offset), mark in truth.entries.items():
        logs.setdefault((room, epoch), []).append((offset, mark))
    for (_, epoch), entries in logs.items():
        latest = float("-inf")
        for offset, mark in sorted(entries):
            publish = truth.published.get(mark)
            if publish is None:
                continue
            if publish.acknowledged is not None and publish.acknowledged < latest:
                yield _violation(Rule.SEQUENCE, publish, f"at {epoch}:{offset}")
            latest = max(latest, publish.began)


def _queues(record: Record, positions: Positions) -> Iterator[Violation]:
    """In every log, the messages of a queue are in the order in which they were sent."""
    newest: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for publish in record.publishes:
        places = positions.get(publish.mark, set())
        if not publish.queue or len(places) != 1:
            continue
        [(room, (epoch, offset))] = places
        key = publish.queue, room, epoch
        if offset < newest[key] and not _was_forgotten(record, publish):
            yield _violation(Rule.OVERTAKEN, publish, f"at {epoch}:{offset}, after {newest[key]}")
        newest[key] = max(newest[key], offset)


def _requests(record: Record) -> Iterator[Violation]:
    """Every request has ended, with its own answer or without one; parts come in order."""
    for question in record.questions:
        expected, parts = question.expected, tuple(question.parts)
        is_whole = parts == expected or question.end != "done"
        if question.end in ENDS and is_whole and parts == expected[: len(parts)]:
            continue
        what = f"{question.end or 'no end'}: {len(parts)} of {len(expected)} parts"
        yield Violation(Rule.REQUEST, question.program, f"{what}: {parts[:20]}")


def _counts(record: Record) -> Iterator[Violation]:
    """The workers' counts of an undisturbed time are right."""
    tally = record.tally
    if tally is None:
        return
    pairs = {
        "handed over": (tally.handed, tally.seen),
        "published": (tally.published, tally.acknowledged),
        "skipped": (tally.skipped, 0),
    }
    for what, (counted, happened) in pairs.items():
        if counted != happened:
            yield Violation(Rule.COUNT, "the workers", f"{what}: {counted}, not {happened}")
