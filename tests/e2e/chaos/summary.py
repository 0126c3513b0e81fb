"""A run in figures."""

from collections import Counter
from collections.abc import Iterator

from .record import Gap, Got, Hello, Joined, Received, Record
from .run import Outcome

SHOWN = 5  # violations of one kind


def report(outcome: Outcome) -> str:
    """The violations, then a table of what happened."""
    return "\n".join((*_violations(outcome), "", *_table(outcome)))


def _violations(outcome: Outcome) -> Iterator[str]:
    counted: Counter[str] = Counter()
    for violation in outcome.violations:
        counted[violation.rule.name] += 1
        if counted[violation.rule.name] <= SHOWN:
            yield f"{violation}\n"
    for name, number in counted.items():
        if number > SHOWN:
            yield f"{name}: {number - SHOWN} more\n"


def _table(outcome: Outcome) -> Iterator[str]:
    for name, value in figures(outcome).items():
        yield f"{name:<44} {value}"


def figures(outcome: Outcome) -> dict[str, object]:
    """The counts by name."""
    record = outcome.record
    deeds = Counter(deed.what for deed in record.deeds)
    settled = "never" if outcome.settled is None else f"{outcome.settled:.1f} s"
    return {
        "seed": record.seed,
        "faults": len(record.deeds),
        **{f"  {what}": number for what, number in sorted(deeds.items())},
        **_publishing(record),
        **_subscribing(record),
        **_programs(record),
        **_logs(record),
        "every subscriber had everything after": settled,
        "counted, undisturbed": record.tally or "not",
        "violations": len(outcome.violations),
    }


def _publishing(record: Record) -> dict[str, object]:
    publishes = record.publishes
    return {
        "published": len(publishes),
        "  acknowledged": sum(each.acknowledged is not None for each in publishes),
        "  repeated because uncertain": sum(each.tries > 1 for each in publishes),
        "  refused": sum(each.refused for each in publishes),
    }


def _subscribing(record: Record) -> dict[str, object]:
    events = [event for diary in record.diaries for event in diary.events]
    joined = [event for event in events if isinstance(event, Joined)]
    reasons = Counter(f"  lost: {event.reason}" for event in joined if event.recovered is False)
    return {
        "connections": sum(isinstance(event, Hello) for event in events),
        "publications handed over": sum(isinstance(event, Got) for event in events),
        "rooms joined": sum(event.asked for event in joined),
        "  recovered": sum(event.recovered is True for event in joined),
        **dict(sorted(reasons.items())),
    }


def _programs(record: Record) -> dict[str, object]:
    events = [event for handle in record.handles for event in handle.events]
    gaps = Counter(f"  missing: {event.reason}" for event in events if isinstance(event, Gap))
    ends = Counter(f"  {question.end}" for question in record.questions)
    sent = [publish for publish in record.publishes if publish.queue]
    return {
        "handles of programs": len(record.handles),
        "  with a rewind": sum(handle.rewind > 0 for handle in record.handles),
        "  since a position": sum(handle.since is not None for handle in record.handles),
        "messages of handles": sum(isinstance(event, Received) for event in events),
        **dict(sorted(gaps.items())),
        "messages sent by programs": len(sent),
        "  with a position": sum(publish.position is not None for publish in sent),
        "requests of programs": len(record.questions),
        **dict(sorted(ends.items())),
    }


def _logs(record: Record) -> dict[str, object]:
    lives = [life for lives in record.history.lives.values() for life in lives]
    return {
        "epochs of all logs": len(lives),
        "entries read by the observer": sum(len(life.entries) for life in lives),
        "entries it came too late for": sum(life.top - len(life.entries) for life in lives),
    }
