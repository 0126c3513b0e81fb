"""The checker of chaos by itself: it accepts a good record and rejects every bad one."""

from collections.abc import Sequence

import pytest

from .chaos.checker import check
from .chaos.plan import Fault, schedule
from .chaos.record import (
    Counted,
    Deed,
    Diary,
    Ended,
    Event,
    Got,
    Hello,
    Joined,
    JoinRequest,
    Left,
    Position,
    Publish,
    Reading,
    Record,
    Tally,
    mark,
)
from .chaos.violations import Rule

ROOM, OWN, FOREIGN = "chat:one", "user:1", "user:2"
KEPT = 10
END = 100.0


def name(offset: int, room: str = ROOM, *, epoch: str = "a") -> str:
    return f"{epoch}{offset} in {room}"


def at(offset: int, epoch: str = "a") -> Position:
    return Position(epoch, offset)


def read(when: float, room: str, top: Position, oldest: int, entries: dict[int, str]) -> Reading:
    return Reading(when, when, room, top, oldest, entries)


def hello(position: Position | None = None, room: str = ROOM) -> Hello:
    return Hello(0.0, "one", {room: position})


def joined(
    top: Position,
    recovered: bool | None = None,
    reason: str | None = None,
    *,
    asked: bool = True,
    room: str = ROOM,
) -> Joined:
    return Joined(0.0, room, top, recovered, reason, asked)


def got(*offsets: int, room: str = ROOM, epoch: str = "a") -> list[Event]:
    return [Got(0.0, room, offset, name(offset, room, epoch=epoch)) for offset in offsets]


def lost(position: Position, top: Position, reason: str) -> list[Event]:
    """Back with a position that the answer calls lost."""
    return [hello(position), joined(top, False, reason)]


def record(*events: Event | Sequence[Event], room: str = ROOM, wanted: bool = False) -> Record:
    """Five publications in epoch a, of which the log keeps the last three, then five in b;
    and one subscriber, who saw this."""
    made = Record(seed=1, log_length=KEPT)
    for start, epoch in ((1.0, "a"), (11.0, "b")):
        entries = {offset: name(offset, room, epoch=epoch) for offset in range(1, 6)}
        empty = read(start, room, at(0, epoch), 1, {})
        made.history.note(empty)
        for offset, each in entries.items():
            made.history.note(read(start + offset, room, at(offset, epoch), 1, {offset: each}))
            moment = start + offset - 0.5
            made.publishes.append(
                Publish(room, each, "one", moment, moment + 0.2, at(offset, epoch))
            )
        made.history.note(read(start + 6.0, room, at(5, epoch), 3, {}))
    diary = Diary("ann", OWN, wanted=frozenset((room,) if wanted else ()))
    for item in events:
        diary.events += [item] if isinstance(item, Event) else item
    made.diaries.append(diary)
    return made


def rules(made: Record) -> list[Rule]:
    return [violation.rule for violation in check(made)]


# Right records


GOOD: dict[str, list[Event]] = {
    "from now on": [hello(), joined(at(2)), *got(3, 4, 5)],
    "from a position": [
        hello(),
        joined(at(1)),
        hello(at(1)),
        joined(at(5), True),
        *got(2, 3, 4, 5),
    ],
    "at the top": [hello(), joined(at(5)), hello(at(5)), joined(at(5), True)],
    "lost on the way": [
        *(hello(), joined(at(1)), *got(2)),
        *(hello(at(2)), joined(at(4), True)),  # nothing came before the connection was lost
        *(hello(at(2)), joined(at(5), True), *got(3, 4, 5)),
    ],
    "expired": [hello(), joined(at(0)), *lost(at(0), at(3), "expired"), *got(4, 5)],
    "the same unasked": [
        *(hello(), joined(at(0)), joined(at(3), False, "expired", asked=False), *got(4, 5)),
    ],
    "another epoch": [
        *(hello(), joined(at(3)), *lost(at(3), at(1, "b"), "epoch_changed")),
        *got(2, 3, epoch="b"),
    ],
    "another epoch, connected": [
        *(hello(), joined(at(4)), *got(5)),
        *(joined(at(0, "b"), False, "epoch_changed", asked=False), *got(1, 2, epoch="b")),
    ],
    "a lie found out": [
        *(hello(), joined(at(4)), *lost(at(9_999), at(5), "ahead")),
    ],
    "left and joined again": [
        *(hello(), joined(at(1)), *got(2), Left(0.0, ROOM)),
        *(JoinRequest(0.0, ROOM, at(2)), joined(at(4), True), *got(3, 4, 5)),
    ],
    "left and joined anew": [
        *(hello(), joined(at(1)), *got(2), Left(0.0, ROOM)),
        *(JoinRequest(0.0, ROOM, None), joined(at(4)), *got(5)),
    ],
    "counted": [hello(), joined(at(4)), *got(5), Counted(0.0, 1, 1), Ended(0.0, 4002), Ended(0.0)],
}


@pytest.mark.parametrize("events", GOOD.values(), ids=GOOD)
def test_a_good_record_is_accepted(events: list[Event]) -> None:
    assert check(record(events)) == []


def test_everything_at_the_end() -> None:
    events = [hello(), joined(at(2)), *lost(at(2), at(3, "b"), "epoch_changed")]
    assert rules(record(events, got(4, 5, epoch="b"), wanted=True)) == []


# Wrong diaries of subscribers

BAD: dict[str, tuple[Rule, list[Event]]] = {
    "a hole": (Rule.MISSING, [hello(), joined(at(1)), *got(2, 4, 5)]),
    "a hole after joining": (Rule.MISSING, [hello(), joined(at(1)), *got(3)]),
    "a hole in a replay": (
        Rule.MISSING,
        [hello(), joined(at(1)), hello(at(1)), joined(at(5), True), *got(3, 4, 5)],
    ),
    "a double": (Rule.TWICE, [hello(), joined(at(1)), *got(2, 3, 3)]),
    "a double after a reconnect": (
        Rule.TWICE,
        [hello(), joined(at(1)), *got(2, 3), hello(at(3)), joined(at(5), True), *got(3)],
    ),
    "a replay after recovered:false": (
        Rule.REPLAYED,
        [hello(), joined(at(0)), *lost(at(0), at(3), "expired"), *got(3, 4)],
    ),
    "what is older than the join": (Rule.TWICE, [hello(), joined(at(3)), *got(3)]),
    "before the join": (Rule.UNANNOUNCED, [hello(), *got(1)]),
    "before the join of this connection": (
        Rule.UNANNOUNCED,
        [hello(), joined(at(1)), hello(at(1)), *got(2)],
    ),
    "after leaving": (Rule.UNANNOUNCED, [hello(), joined(at(1)), Left(0.0, ROOM), *got(2)]),
    "another publication at its place": (
        Rule.ORDER,
        [hello(), joined(at(1)), Got(0.0, ROOM, 2, name(3))],
    ),
    "one without a publisher": (Rule.FORGED, [hello(), joined(at(1)), Got(0.0, ROOM, 2, "forged")]),
    "one beyond the log": (Rule.FORGED, [hello(), joined(at(5)), *got(6)]),
    "a position ahead of the log": (
        Rule.BELIEVED,
        [hello(), joined(at(5)), hello(at(9_999)), joined(at(5), True)],
    ),
    "a position of an old epoch": (
        Rule.BELIEVED,
        [hello(), joined(at(5)), hello(at(5)), joined(at(5, "b"), True)],
    ),
    "a top that the log never had": (Rule.BELIEVED, [hello(), joined(at(6))]),
    "expired, but it is kept": (
        Rule.NO_LOSS,
        [hello(), joined(at(2)), *lost(at(2), at(5), "expired")],
    ),
    "a change of epoch that was none": (
        Rule.NO_LOSS,
        [hello(), joined(at(1)), *lost(at(1), at(5), "epoch_changed")],
    ),
    "ahead, but it is not": (Rule.NO_LOSS, [hello(), joined(at(1)), *lost(at(1), at(5), "ahead")]),
    "two notices of one loss": (
        Rule.NO_LOSS,
        [
            *(hello(), joined(at(0)), *lost(at(0), at(3), "expired")),
            joined(at(3), False, "expired", asked=False),
        ],
    ),
    "no answer to a position": (Rule.ANSWER, [hello(), joined(at(1)), hello(at(1)), joined(at(5))]),
    "recovered without a position": (Rule.ANSWER, [hello(), joined(at(1), True)]),
    "joined without a question": (
        Rule.ANSWER,
        [hello(), joined(at(1)), joined(at(5), True, asked=False)],
    ),
    "a loss without a reason": (Rule.ANSWER, lost(at(0), at(3), "")),
    "a count that does not match": (
        Rule.COUNT,
        [hello(), joined(at(4)), *got(5), Counted(0.0, 2, 1)],
    ),
    "a miscount": (Rule.AWAY, [hello(), Ended(0.0, 4007)]),
    "sent away": (Rule.AWAY, [hello(), Ended(0.0, 4505)]),
    "taken by an attempt that was given up": (
        Rule.AWAY,
        [hello(), joined(at(5)), Ended(0.0, 4506)],
    ),
}


@pytest.mark.parametrize(("rule", "events"), BAD.values(), ids=BAD)
def test_a_bad_record_is_rejected(rule: Rule, events: list[Event]) -> None:
    assert rules(record(events)) == [rule]


def test_what_comes_out_of_order_is_rejected() -> None:
    assert rules(record([hello(), joined(at(1)), *got(2, 4, 3)])) == [Rule.MISSING, Rule.TWICE]


def test_what_is_of_another_user_is_rejected() -> None:
    events = [hello(room=FOREIGN), joined(at(1), room=FOREIGN), *got(2, room=FOREIGN)]
    assert rules(record(events, room=FOREIGN)) == [Rule.FOREIGN, Rule.FOREIGN]


def test_what_was_meant_for_another_room_is_rejected() -> None:
    made = record([hello(), joined(at(5)), Got(0.0, ROOM, 6, "a secret")])
    made.publishes.append(Publish(FOREIGN, "a secret", "one", 1.0))
    made.history.lives.clear()
    assert Rule.FOREIGN in rules(made)


@pytest.mark.parametrize(
    "events",
    [
        [hello(), joined(at(1)), *got(2, 3)],  # a loss without a notice: the epoch ended
        [hello(), joined(at(3, "b")), *got(4, epoch="b")],  # the last one never came
        [hello(), joined(at(5, "b")), hello(at(5, "b"))],  # not let in any more
        [],
    ],
    ids=["an old epoch", "the last one", "not in the room", "never"],
)
def test_a_subscriber_that_lacks_a_publication_at_the_end_is_rejected(events: list[Event]) -> None:
    assert rules(record(events, wanted=True)) == [Rule.LATE]


def test_two_orders_are_rejected() -> None:
    """At the end of a log that was lost before the observer had read it."""
    made = record([hello(), joined(at(5)), Got(0.0, ROOM, 6, "x"), Got(0.0, ROOM, 7, "y")])
    made.diaries.append(Diary("bob", OWN))
    made.diaries[1].events += [
        *(hello(), joined(at(5)), Got(0.0, ROOM, 6, "y"), Got(0.0, ROOM, 7, "x")),
    ]
    made.publishes += [Publish(ROOM, each, "one", 8.5) for each in ("x", "y")]
    for life in made.history.lives[ROOM]:
        life.last = -1.0
    assert Rule.ORDER in rules(made)


# Wrong publications


def test_an_uncertain_publish_that_is_there_twice_is_rejected() -> None:
    made = record()
    made.publishes.append(Publish(ROOM, "twice", "two", 16.5, 18.0, tries=2))
    made.history.note(read(18.5, ROOM, at(7, "b"), 6, {6: "twice", 7: "twice"}))
    assert rules(made) == [Rule.AGAIN]


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (Deed(9.0, 10.0, "Redis without its data", forgets=True), []),
        (Deed(9.0, 10.0, "Redis with its data"), [Rule.AGAIN]),
        (Deed(17.0, 18.0, "Redis without its data", forgets=True), [Rule.AGAIN]),
    ],
)
def test_in_two_epochs_it_may_be_only_if_its_key_was_lost(deed: Deed, expected: list[Rule]) -> None:
    made = record()
    made.publishes.append(Publish(ROOM, "twice", "two", 7.5, 16.5, tries=2))
    made.history.lives[ROOM][0].entries[6] = "twice"
    made.history.lives[ROOM][0].top = 6
    made.history.note(read(18.5, ROOM, at(6, "b"), 6, {6: "twice"}))
    made.deeds.append(deed)
    assert rules(made) == expected


@pytest.mark.parametrize(
    ("tries", "lost", "expected"),
    [
        (2, 17.0, []),  # one was acknowledged, the other one still under way
        (1, 17.0, [Rule.AGAIN]),
        (2, 29.0, [Rule.AGAIN]),  # none is under way for so long
    ],
)
def test_a_late_try_may_be_in_the_log_that_a_loss_has_begun(
    tries: int, lost: float, expected: list[Rule]
) -> None:
    made = record()
    made.publishes.append(Publish(ROOM, "twice", "two", 15.5, 16.5, tries=tries))
    made.history.note(read(16.9, ROOM, at(6, "b"), 6, {6: "twice"}))
    made.deeds.append(Deed(lost, lost + 1.0, "Redis without its data", forgets=True))
    made.history.note(read(lost + 1.5, ROOM, at(1, "c"), 1, {1: "twice"}))
    assert rules(made) == expected


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (Deed(16.8, 17.2, "clock ahead", forgets=True, keeps_logs=True), []),
        (Deed(16.8, 17.2, "Redis without its data", forgets=True), [Rule.AGAIN]),
        (Deed(18.1, 19.0, "clock ahead", forgets=True, keeps_logs=True), [Rule.AGAIN]),
    ],
)
def test_in_one_log_it_may_be_only_if_the_clock_was_ahead(deed: Deed, expected: list[Rule]) -> None:
    made = record()
    made.publishes.append(Publish(ROOM, "twice", "two", 16.5, 18.0, tries=2))
    made.history.note(read(18.5, ROOM, at(7, "b"), 6, {6: "twice", 7: "twice"}))
    made.deeds.append(deed)
    assert rules(made) == expected


def test_what_was_acknowledged_and_is_not_there_is_rejected() -> None:
    made = record()
    made.publishes.append(Publish(ROOM, "gone", "two", 12.0, 13.0))
    assert rules(made) == [Rule.UNKEPT]


def test_what_was_lost_with_the_log_is_not() -> None:
    made = record()
    made.publishes.append(Publish(ROOM, "gone", "two", 8.0, 9.0))
    assert rules(made) == []


def test_an_acknowledged_position_holds_what_was_published() -> None:
    made = record()
    made.publishes.append(Publish(ROOM, "other", "two", 8.0, 9.0, at(5)))
    assert rules(made) == [Rule.ORDER]
    made.publishes[-1].position = at(6)  # the last one, before the observer had read it
    assert rules(made) == []


def test_an_acknowledged_position_beyond_the_log_is_rejected() -> None:
    made = record()
    made.publishes.append(Publish(ROOM, "far", "two", 12.0, 12.5, at(9, "b")))
    assert Rule.UNKEPT in rules(made)


def test_what_was_refused_must_not_be_there() -> None:
    made = record()
    made.publishes[0].refused = True
    assert rules(made) == [Rule.REFUSED]


def test_an_entry_without_a_publisher_is_rejected() -> None:
    made = record()
    made.history.note(read(18.0, ROOM, at(6, "b"), 6, {6: "forged"}))
    assert rules(made) == [Rule.FORGED]


def test_what_began_later_comes_later() -> None:
    made = record()
    first, second = made.publishes[:2]
    first.began, first.acknowledged = 3.1, 3.2
    assert rules(made) == [Rule.SEQUENCE]
    second.acknowledged = 3.15  # now they were under way together
    assert rules(made) == []


def test_a_log_that_changes_or_comes_back_is_rejected() -> None:
    made = record()
    made.history.note(read(18.0, ROOM, at(4, "b"), 6, {4: "another"}))
    assert rules(made) == [Rule.FORK, Rule.FORK]  # shorter, and another entry
    made = record()
    made.history.note(read(18.0, ROOM, at(5, "a"), 6, {}))
    assert rules(made) == [Rule.FORK]


@pytest.mark.parametrize(
    ("tally", "expected"),
    [
        (Tally(published=3, handed=120, skipped=0, acknowledged=3, seen=120), 0),
        (Tally(published=3, handed=119, skipped=0, acknowledged=3, seen=120), 1),
        (Tally(published=4, handed=120, skipped=1, acknowledged=3, seen=120), 2),
    ],
)
def test_the_counters_balance(tally: Tally, expected: int) -> None:
    made = record()
    made.tally = tally
    assert rules(made) == [Rule.COUNT] * expected


def test_a_ghost_is_a_violation() -> None:
    made = record()
    made.ghosts = ("0f3a suspended, registry only",)
    assert rules(made) == [Rule.GHOST]


# How it is shown


def test_a_violation_shows_what_was_around_it() -> None:
    made = record([hello(), joined(at(1)), *got(2, 4), *got(5)])
    made.began = -3.0
    (violation,) = check(made)
    lines = str(violation).splitlines()
    assert lines[0].startswith("MISSING: ")
    assert lines[1] == "  ann chat:one: 3 to 3"
    assert "hello to one, chat:one: from now on" in lines[2]
    assert "joined at a:1" in lines[3]
    assert lines[5].startswith("    >    3.000 publication 4 ")


# Outcomes left to chance


def test_a_seed_decides_what_breaks_and_when() -> None:
    steps = schedule(17, seconds=60.0, pause=0.5)
    assert steps == schedule(17, seconds=60.0, pause=0.5)
    assert steps != schedule(18, seconds=60.0, pause=0.5)
    assert 80 < len(steps) < 180
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert schedule(17, seconds=30.0, pause=0.5) == steps[: sum(step.at < 30.0 for step in steps)]


def test_only_the_faults_that_are_asked_for_come() -> None:
    asked = (Fault.TRIM_LOG, Fault.KILL_PUBSUB)
    steps = schedule(17, seconds=60.0, pause=0.5, faults=asked)
    assert {step.fault for step in steps} == set(asked)
    assert schedule(17, seconds=60.0, pause=0.5, faults=()) == ()


def test_a_mark_tells_texts_apart() -> None:
    data = {"id": "p1", "to": ROOM, "text": "hello"}
    assert mark(data) == mark(dict(data))
    assert mark(data) != mark({**data, "text": "hallo"}) != mark({**data, "to": OWN})
