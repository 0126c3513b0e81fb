"""The timer wheel yields a connection when it is due, and never after its end."""

import math
from dataclasses import dataclass, field

import pytest

from realtime.servers.common.timer_wheel import NOW, TimerWheel


@dataclass(eq=False)
class Connection:
    """A connection with this deadline."""

    due: float = NOW
    bucket: int | None = None
    checks: list[float] = field(default_factory=list)


@pytest.fixture
def wheel() -> TimerWheel[Connection]:
    return TimerWheel(tick=0.5)


def check(wheel: TimerWheel[Connection], now: float) -> list[Connection]:
    """Check deadlines as a server does. Returns the connections that were checked."""
    seen = []
    for connection in wheel.advance(now):
        connection.checks.append(now)
        seen.append(connection)
    return seen


def test_a_new_connection_is_checked_at_once(wheel: TimerWheel[Connection]) -> None:
    connection = Connection(due=1000.0)
    wheel.add(connection)
    assert check(wheel, 7.0) == [connection]
    assert check(wheel, 7.5) == []


def test_a_connection_that_is_due_now_is_checked_every_time(wheel: TimerWheel[Connection]) -> None:
    connection = Connection()
    wheel.add(connection)
    times = [7.0, 7.4, 7.9, 8.6]
    assert [check(wheel, now) for now in times] == [[connection]] * 4
    assert connection.checks == times


@pytest.mark.parametrize("due", [10.0, 10.1, 10.25, 10.499])
def test_a_connection_is_checked_at_the_first_tick_after_it_is_due(
    wheel: TimerWheel[Connection], due: float
) -> None:
    connection = Connection(due=due)
    wheel.add(connection)
    ticks = [7.0 + 0.5 * number + 0.01 for number in range(10)]
    for now in ticks:
        check(wheel, now)
    first = min(now for now in ticks if now > due)
    assert first in connection.checks
    # The first check, one that may be too early, and every one from then on.
    early = [now for now in connection.checks if now < first]
    assert len(early) <= 2
    assert [now for now in ticks if now >= first] == [n for n in connection.checks if n >= first]


def test_a_connection_without_a_deadline_does_not_stop_the_others(
    wheel: TimerWheel[Connection],
) -> None:
    """ServerLimits(ping_interval=math.inf) sends no pings."""
    never, other = Connection(due=math.inf), Connection(due=10.0)
    wheel.add(never)
    wheel.add(other)
    assert len(check(wheel, 7.0)) == 2
    assert check(wheel, 10.6) == [other]
    wheel.discard(never)
    assert len(wheel) == 1


def test_a_postponed_connection_is_checked_later(wheel: TimerWheel[Connection]) -> None:
    connection = Connection(due=10.0)
    wheel.add(connection)
    check(wheel, 7.0)
    connection.due = 20.0
    assert check(wheel, 10.6) == [connection]
    assert check(wheel, 19.4) == []
    assert check(wheel, 20.6) == [connection]


def test_after_a_standstill_each_connection_is_checked_once(wheel: TimerWheel[Connection]) -> None:
    connections = {Connection(due=10.0 + number) for number in range(5)}
    for connection in connections:
        wheel.add(connection)
    check(wheel, 7.0)
    for connection in connections:
        connection.due += 100.0
    assert set(check(wheel, 60.0)) == connections
    assert check(wheel, 60.5) == []


def test_an_ended_connection_is_not_checked(wheel: TimerWheel[Connection]) -> None:
    connection = Connection()
    wheel.add(connection)
    wheel.discard(connection)
    wheel.discard(connection)
    assert check(wheel, 7.0) == []
    assert len(wheel) == 0


def test_a_connection_that_ends_during_a_check_does_not_come_back(
    wheel: TimerWheel[Connection],
) -> None:
    """It ends by its own check, or by that of another in its bucket."""
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
    assert check(wheel, 8.0) == []


def test_the_length_counts_connections_of_all_buckets(wheel: TimerWheel[Connection]) -> None:
    for due in (NOW, 10.0, 20.0, 30.0):
        wheel.add(Connection(due=due))
    assert len(wheel) == 4
    check(wheel, 7.0)
    assert len(wheel) == 4
