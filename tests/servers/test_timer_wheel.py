"""A connection is looked at when it wants to be, and never after its end."""

import math
from dataclasses import dataclass, field

import pytest

from realtime.servers.common.timer_wheel import NOW, TimerWheel


@dataclass(eq=False)
class Connection:
    """One that wants to be looked at at this time."""

    due: float = NOW
    bucket: int | None = None
    looks: list[float] = field(default_factory=list)


@pytest.fixture
def wheel() -> TimerWheel[Connection]:
    return TimerWheel(tick=0.5)


def look(wheel: TimerWheel[Connection], now: float) -> list[Connection]:
    """Look as a server does; whose turn it was."""
    seen = []
    for connection in wheel.advance(now):
        connection.looks.append(now)
        seen.append(connection)
    return seen


def test_whoever_is_new_is_looked_at_first(wheel: TimerWheel[Connection]) -> None:
    connection = Connection(due=1000.0)
    wheel.add(connection)
    assert look(wheel, 7.0) == [connection]
    assert look(wheel, 7.5) == []


def test_whoever_wants_it_is_looked_at_every_time(wheel: TimerWheel[Connection]) -> None:
    connection = Connection()
    wheel.add(connection)
    times = [7.0, 7.4, 7.9, 8.6]
    assert [look(wheel, now) for now in times] == [[connection]] * 4
    assert connection.looks == times


@pytest.mark.parametrize("due", [10.0, 10.1, 10.25, 10.499])
def test_the_look_after_it_is_due_is_its_turn(wheel: TimerWheel[Connection], due: float) -> None:
    connection = Connection(due=due)
    wheel.add(connection)
    looks = [7.0 + 0.5 * number + 0.01 for number in range(10)]
    for now in looks:
        look(wheel, now)
    first = min(now for now in looks if now > due)
    assert first in connection.looks
    # The very first look, one that may be too early, and from then on all.
    early = [now for now in connection.looks if now < first]
    assert len(early) <= 2
    assert [now for now in looks if now >= first] == [n for n in connection.looks if n >= first]


def test_whoever_never_wants_it_keeps_nobody_from_a_turn(wheel: TimerWheel[Connection]) -> None:
    """Limits(ping_interval=math.inf): nobody is pinged."""
    never, other = Connection(due=math.inf), Connection(due=10.0)
    wheel.add(never)
    wheel.add(other)
    assert len(look(wheel, 7.0)) == 2
    assert look(wheel, 10.6) == [other]
    wheel.discard(never)
    assert len(wheel) == 1


def test_what_is_put_off_has_its_turn_later(wheel: TimerWheel[Connection]) -> None:
    connection = Connection(due=10.0)
    wheel.add(connection)
    look(wheel, 7.0)
    connection.due = 20.0
    assert look(wheel, 10.6) == [connection]
    assert look(wheel, 19.4) == []
    assert look(wheel, 20.6) == [connection]


def test_after_a_standstill_everybody_has_a_turn_once(wheel: TimerWheel[Connection]) -> None:
    connections = {Connection(due=10.0 + number) for number in range(5)}
    for connection in connections:
        wheel.add(connection)
    look(wheel, 7.0)
    for connection in connections:
        connection.due += 100.0
    assert set(look(wheel, 60.0)) == connections
    assert look(wheel, 60.5) == []


def test_nobody_is_looked_at_after_the_end(wheel: TimerWheel[Connection]) -> None:
    connection = Connection()
    wheel.add(connection)
    wheel.discard(connection)
    wheel.discard(connection)
    assert look(wheel, 7.0) == []
    assert len(wheel) == 0


def test_whoever_ends_at_a_look_does_not_come_back(wheel: TimerWheel[Connection]) -> None:
    """By what was seen, or with another whose turn is the same."""
    pair = [Connection(), Connection()]
    for connection in pair:
        wheel.add(connection)
    seen = []
    for connection in wheel.advance(7.0):
        seen.append(connection)
        for each in pair:
            wheel.discard(each)
    assert len(seen) == 1
    assert len(wheel) == 0
    assert look(wheel, 8.0) == []


def test_it_knows_how_many_there_are(wheel: TimerWheel[Connection]) -> None:
    for due in (NOW, 10.0, 20.0, 30.0):
        wheel.add(Connection(due=due))
    assert len(wheel) == 4
    look(wheel, 7.0)
    assert len(wheel) == 4
