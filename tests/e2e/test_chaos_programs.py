"""The checker of chaos on what programs saw: handles, queues and requests."""

from typing import Any

import pytest

from .chaos.record import Gap, HandleDiary, Position, Question, Received
from .chaos.violations import Rule
from .test_chaos_checker import FOREIGN, OWN, ROOM, at, name, record, rules


def handle(*events: Received | Gap, **options: Any) -> HandleDiary:
    """One that had joined at once."""
    diary = HandleDiary("pat", options.pop("room", ROOM), OWN, **options)
    diary.events += events
    diary.joined = 0.0
    diary.start = diary.start or diary.since
    return diary


def messages(*offsets: int, epoch: str = "a", replayed: bool = False) -> list[Received]:
    return [Received(0.0, at(n, epoch), name(n, epoch=epoch), replayed) for n in offsets]


def gap(position: Position, reason: str, *, initial: bool = False) -> Gap:
    return Gap(0.0, position, reason, initial)


def judged(diary: HandleDiary) -> list[Rule]:
    made = record()
    made.handles.append(diary)
    return rules(made)


GOOD_HANDLES = {
    "now": handle(*messages(3, 4, 5), start=at(2)),
    "since": handle(*messages(3, 4), since=at(2)),
    "nothing came": handle(start=at(5)),
    "never joined": HandleDiary("pat", ROOM, OWN),
    "a rewind": handle(*messages(4, 5, replayed=True), start=at(3), rewind=2),
    "a rewind, then live": handle(
        *messages(3, 4, replayed=True), *messages(5), start=at(2), rewind=2
    ),
    "a rewind to the beginning": handle(
        *messages(1, 2, replayed=True), *messages(3), start=at(0), rewind=9
    ),
    "a rewind to what is kept": handle(
        *messages(3, 4, replayed=True), *messages(5), start=at(2), rewind=9
    ),
    "a gap in a rewind": handle(
        *messages(3, replayed=True),
        gap(at(1, "b"), "epoch_changed"),
        *messages(2, epoch="b"),
        start=at(2),
        rewind=3,
    ),
    "expired": handle(gap(at(3), "expired", initial=True), *messages(4), since=at(1)),
    "another epoch": handle(
        *messages(5), gap(at(1, "b"), "epoch_changed"), *messages(2, epoch="b"), start=at(4)
    ),
    "unknown": handle(gap(at(3), "unknown", initial=True), *messages(4), start=at(3), unknown=True),
    "everything at the end": handle(
        gap(at(3, "b"), "epoch_changed", initial=True),
        *messages(4, 5, epoch="b"),
        since=at(9),
        wanted=True,
    ),
}


@pytest.mark.parametrize("diary", GOOD_HANDLES.values(), ids=GOOD_HANDLES)
def test_a_good_handle_is_accepted(diary: HandleDiary) -> None:
    assert judged(diary) == []


BAD_HANDLES = {
    "a hole": (Rule.MISSING, handle(*messages(3, 5), start=at(2))),
    "a hole at first": (Rule.MISSING, handle(*messages(4), since=at(2))),
    "another log without a gap": (Rule.MISSING, handle(*messages(3, epoch="b"), since=at(2))),
    "a double": (Rule.TWICE, handle(*messages(3, 3), start=at(2))),
    "what was before its position": (Rule.TWICE, handle(*messages(2), since=at(2))),
    "before it has joined": (Rule.UNANNOUNCED, handle(*messages(3))),
    "a start that the log never had": (Rule.BELIEVED, handle(start=at(6))),
    "a short rewind": (
        Rule.MISSING,
        handle(*messages(4, replayed=True), *messages(5), start=at(3), rewind=5),
    ),
    "a long rewind": (
        Rule.ANSWER,
        handle(*messages(3, 4, replayed=True), start=at(2), rewind=1),
    ),
    "replayed without a rewind": (Rule.ANSWER, handle(*messages(3, replayed=True), since=at(2))),
    "replayed after live": (
        Rule.ANSWER,
        handle(*messages(3, replayed=True), *messages(4), *messages(5, replayed=True),
               start=at(2), rewind=1),
    ),
    "expired, but it is kept": (
        Rule.NO_LOSS,
        handle(gap(at(4), "expired", initial=True), since=at(2)),
    ),
    "unknown, but it was known": (
        Rule.NO_LOSS,
        handle(gap(at(4), "unknown", initial=True), since=at(2)),
    ),
    "an initial gap in the middle": (
        Rule.ANSWER,
        handle(*messages(5), gap(at(1, "b"), "epoch_changed", initial=True), start=at(4)),
    ),
    "a gap without a reason": (Rule.ANSWER, handle(gap(at(3), ""), since=at(0))),
    "a gap to where no log was": (
        Rule.BELIEVED,
        handle(gap(at(9, "b"), "epoch_changed", initial=True), since=at(1)),
    ),
    "one without a publisher": (
        Rule.FORGED,
        handle(Received(0.0, at(3), "forged"), since=at(2)),
    ),
    "another's publication": (
        Rule.FOREIGN,
        handle(Received(0.0, at(1), name(1, FOREIGN)), since=at(0), room=FOREIGN),
    ),
    "not everything at the end": (
        Rule.LATE,
        handle(*messages(4, epoch="b"), since=at(3, "b"), wanted=True),
    ),
    "never joined": (Rule.LATE, HandleDiary("pat", ROOM, OWN, wanted=True)),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "diary"), BAD_HANDLES.values(), ids=BAD_HANDLES)
def test_a_bad_handle_is_rejected(rule: Rule, diary: HandleDiary) -> None:
    assert judged(diary) == [rule]


def test_messages_of_a_queue_keep_their_order() -> None:
    made = record()
    first, second = made.publishes[1], made.publishes[0]
    made.publishes[:2] = [first, second]
    assert rules(made) == []
    first.queue = second.queue = "pat 1"
    assert rules(made) == [Rule.OVERTAKEN]
    second.queue = "pat 2"
    assert rules(made) == []


@pytest.mark.parametrize(
    ("parts", "end", "expected"),
    [
        ([0, 1, 2], "done", []),
        ([0, 1], "lost", []),
        ([], "unavailable", []),
        ([0, 1], "left", []),
        ([0, 1], "done", [Rule.REQUEST]),
        ([0, 2], "lost", [Rule.REQUEST]),
        ([0, 1, 1], "lost", [Rule.REQUEST]),
        ([0, 1], "", [Rule.REQUEST]),
        ([], "failed", [Rule.REQUEST]),
    ],
)
def test_a_request_has_its_own_answer_or_none(
    parts: list[int], end: str, expected: list[Rule]
) -> None:
    made = record()
    made.questions.append(Question("pat", 0.0, (0, 1, 2), parts, end))
    assert rules(made) == expected
