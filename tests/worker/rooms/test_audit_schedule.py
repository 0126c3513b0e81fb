"""When a room is audited: after a join twice, and with beats once a second."""

from realtime.worker.rooms.audit_schedule import AuditSchedule

MOST = 500


def taken(schedule: AuditSchedule, *, until: float) -> list[float]:
    """Return when room a was audited, checking every quarter of a second."""
    moments = [number / 4 for number in range(int(until * 4) + 1)]
    return [now for now in moments if "a" in schedule.take_due(now, MOST)]


def test_a_room_is_audited_twice_after_a_join() -> None:
    schedule = AuditSchedule()
    schedule.add_room("a", 0.0)
    assert taken(schedule, until=10) == [1.0, 3.0]


def test_a_room_that_was_left_is_not_audited() -> None:
    schedule = AuditSchedule()
    schedule.add_room("a", 0.0)
    schedule.request(["a"])
    schedule.remove_room("a")
    schedule.request(["a"])
    assert taken(schedule, until=10) == []


def test_beats_audit_a_room_once_a_second() -> None:
    schedule = AuditSchedule()
    schedule.add_room("a", 0.0)
    taken(schedule, until=3)
    moments = []
    for number in range(16, 16 + 12):
        schedule.request(["a", "a", "b"])
        if schedule.take_due(number / 4, MOST):
            moments.append(number / 4)
    assert moments == [4.0, 5.0, 6.0]


def test_a_request_that_comes_too_soon_is_kept() -> None:
    schedule = AuditSchedule()
    schedule.add_room("a", 0.0)
    schedule.request(["a"])
    assert schedule.take_due(0.0, MOST) == ["a"]
    schedule.request(["a"])
    assert schedule.take_due(0.5, MOST) == []
    assert schedule.take_due(1.5, MOST) == ["a"]
    assert schedule.take_due(2.75, MOST) == []


def test_rooms_beyond_the_limit_are_due_next_time() -> None:
    schedule = AuditSchedule()
    rooms = [f"room-{number}" for number in range(7)]
    for room in rooms:
        schedule.add_room(room, 0.0)
    schedule.request(rooms[:2])
    batches = [schedule.take_due(1.0, 3) for _ in range(4)]
    assert [len(batch) for batch in batches] == [3, 3, 1, 0]
    assert sorted(room for batch in batches for room in batch) == rooms


def test_a_room_that_is_added_again_is_audited_after_the_join_again() -> None:
    schedule = AuditSchedule()
    schedule.add_room("a", 0.0)
    schedule.add_room("b", 0.5)
    schedule.remove_room("a")
    schedule.add_room("a", 1.0)
    assert schedule.take_due(1.5, MOST) == ["b"]
    assert schedule.take_due(2.0, MOST) == ["a"]
