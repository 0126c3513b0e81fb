"""The watch over the line, without a clock."""

from realtime.client.watch import CHECK, LineWatch
from realtime.protocol.heartbeat import Dead, SendPing


class Line:
    """A watch and its timer, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.watch = LineWatch(ping_interval=25, pong_timeout=10, now=self.now)

    def run(self, until: float, *, late: float = 0) -> list[SendPing | Dead]:
        """The actions until this time; each timer is so late."""
        actions = []
        while self.now < until:
            self.now += self.watch.wait(self.now) + late
            if action := self.watch.tick(self.now):
                actions.append(action)
            if isinstance(action, Dead):
                break
        return actions


def test_a_silent_server_is_asked_and_then_lost() -> None:
    line = Line()
    assert line.run(125) == []
    assert line.run(130) == [SendPing(1, 0)]
    assert line.run(200) == [Dead(1)]
    assert line.now == 135


def test_any_frame_begins_the_silence_anew() -> None:
    line = Line()
    line.run(130)
    line.watch.on_frame(line.now)
    assert line.run(line.now + 25) == []


def test_after_a_standstill_the_server_has_time_to_answer() -> None:
    line = Line()
    line.watch.wait(line.now)
    line.now += 3600
    assert line.watch.tick(line.now) == SendPing(1, 0)
    assert line.run(line.now + 60) == [Dead(1)]
    assert line.now == 3702


def test_frames_that_came_after_the_late_timer_was_due_excuse_nothing() -> None:
    line = Line()
    line.watch.wait(line.now)
    line.watch.on_frame(line.now + 3600)
    line.now += 3600
    assert line.watch.tick(line.now) is None


def test_a_line_whose_timers_are_always_late_is_lost_in_the_end() -> None:
    line = Line()
    actions = line.run(1000, late=CHECK)
    assert actions[0] == SendPing(1, 0)
    assert actions[-1] == Dead(1)
