"""A connection is looked at when it wants to be, and never after its end."""

import math
from dataclasses import dataclass, field

import pytest

from realtime.servers.common.timer_wheel import NOW, TimerWheel


@dataclass(eq=False)
class Connection:
    """One that wants to be looked at at this time."""

    due: float = NOW
    turn: int | None = None
    looks: list[float] = field(default_factory=list)


@pytest.fixture
def rota() -> TimerWheel[Connection]:
    return TimerWheel(tick=0.5)


def look(rota: TimerWheel[Connection], now: float) -> list[Connection]:
    """Look as a server does; whose turn it was."""
    seen = []
    for connection in rota.look(now):
        connection.looks.append(now)
        seen.append(connection)
    return seen


def test_whoever_is_new_is_looked_at_first(rota: TimerWheel[Connection]) -> None:
    connection = Connection(due=1000.0)
    rota.add(connection)
    assert look(rota, 7.0) == [connection]
    assert look(rota, 7.5) == []


def test_whoever_wants_it_is_looked_at_every_time(rota: TimerWheel[Connection]) -> None:
    connection = Connection()
    rota.add(connection)
    times = [7.0, 7.4, 7.9, 8.6]
    assert [look(rota, now) for now in times] == [[connection]] * 4
    assert connection.looks == times


@pytest.mark.parametrize("due", [10.0, 10.1, 10.25, 10.499])
def test_the_look_after_it_is_due_is_its_turn(rota: TimerWheel[Connection], due: float) -> None:
    connection = Connection(due=due)
    rota.add(connection)
    looks = [7.0 + 0.5 * number + 0.01 for number in range(10)]
    for now in looks:
        look(rota, now)
    first = min(now for now in looks if now > due)
    assert first in connection.looks
    # The very first look, one that may be too early, and from then on all.
    early = [now for now in connection.looks if now < first]
    assert len(early) <= 2
    assert [now for now in looks if now >= first] == [n for n in connection.looks if n >= first]


def test_whoever_never_wants_it_keeps_nobody_from_a_turn(rota: TimerWheel[Connection]) -> None:
    """Limits(ping_interval=math.inf): nobody is pinged."""
    never, other = Connection(due=math.inf), Connection(due=10.0)
    rota.add(never)
    rota.add(other)
    assert len(look(rota, 7.0)) == 2
    assert look(rota, 10.6) == [other]
    rota.discard(never)
    assert len(rota) == 1


def test_what_is_put_off_has_its_turn_later(rota: TimerWheel[Connection]) -> None:
    connection = Connection(due=10.0)
    rota.add(connection)
    look(rota, 7.0)
    connection.due = 20.0
    assert look(rota, 10.6) == [connection]
    assert look(rota, 19.4) == []
    assert look(rota, 20.6) == [connection]


def test_after_a_standstill_everybody_has_a_turn_once(rota: TimerWheel[Connection]) -> None:
    connections = {Connection(due=10.0 + number) for number in range(5)}
    for connection in connections:
        rota.add(connection)
    look(rota, 7.0)
    for connection in connections:
        connection.due += 100.0
    assert set(look(rota, 60.0)) == connections
    assert look(rota, 60.5) == []


def test_nobody_is_looked_at_after_the_end(rota: TimerWheel[Connection]) -> None:
    connection = Connection()
    rota.add(connection)
    rota.discard(connection)
    rota.discard(connection)
    assert look(rota, 7.0) == []
    assert len(rota) == 0


def test_whoever_ends_at_a_look_does_not_come_back(rota: TimerWheel[Connection]) -> None:
    """By what was seen, or with another whose turn is the same."""
    pair = [Connection(), Connection()]
    for connection in pair:
        rota.add(connection)
    seen = []
    for connection in rota.look(7.0):
        seen.append(connection)
        for each in pair:
            rota.discard(each)
    assert len(seen) == 1
    assert len(rota) == 0
    assert look(rota, 8.0) == []


def test_it_knows_how_many_there_are(rota: TimerWheel[Connection]) -> None:
    for due in (NOW, 10.0, 20.0, 30.0):
        rota.add(Connection(due=due))
    assert len(rota) == 4
    look(rota, 7.0)
    assert len(rota) == 4
