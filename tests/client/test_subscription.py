"""The handles of one room: cursors, joins, gaps; first by hand, then against a model server."""

import random
from typing import Any

import pytest

from realtime.client.errors import Resync
from realtime.client.subscription import IncomingMessage, JoinAsk, RoomCursor, RoomSubscription
from realtime.protocol.position import Position

from .scripted_server import Frame


class Reader:
    """A cursor and all that it has received: offsets, and gaps as tuples."""

    def __init__(self, **options: Any) -> None:
        self.items: list[IncomingMessage | Resync] = []
        self.cursor = RoomCursor(self.items.append, lambda: None, **options)

    @property
    def log(self) -> list[Any]:
        return [
            (item.reason, item.initial) if isinstance(item, Resync) else item.offset
            for item in self.items
        ]

    @property
    def replayed(self) -> list[int]:
        return [
            item.offset
            for item in self.items
            if isinstance(item, IncomingMessage) and item.replayed
        ]


def room(*readers: Reader) -> RoomSubscription:
    subscription = RoomSubscription("chat:lobby")
    subscription.cursors.extend(reader.cursor for reader in readers)
    return subscription


def entry(offset: int, epoch: str = "k3", **fields: Any) -> Frame:
    return {"epoch": epoch, "offset": offset, **fields}


def publish(subscription: RoomSubscription, *offsets: int) -> None:
    for offset in offsets:
        subscription.on_publication({"offset": offset, "time": 1000, "data": None})


def at(offset: int, epoch: str = "k3") -> Position:
    return Position(epoch, offset)


def settle(subscription: RoomSubscription, answer: Frame) -> JoinAsk:
    ask = subscription.next_ask()
    assert ask is not None
    subscription.on_joined(ask, answer)
    return ask


def test_without_a_position_a_handle_begins_at_the_end() -> None:
    reader = Reader()
    subscription = room(reader)
    assert settle(subscription, entry(41)) == JoinAsk()
    publish(subscription, 42, 43)
    assert reader.log == [42, 43]


def test_since_goes_on_after_a_position() -> None:
    reader = Reader(position=at(40))
    subscription = room(reader)
    assert settle(subscription, entry(42, recovered=True)) == JoinAsk(at(40))
    publish(subscription, 41, 42, 43)
    assert reader.log == [41, 42, 43]
    assert reader.replayed == []


@pytest.mark.parametrize("reason", ["expired", "ahead"])
def test_a_position_out_of_reach_is_an_initial_gap(reason: str) -> None:
    reader = Reader(position=at(40))
    subscription = room(reader)
    settle(subscription, entry(50, recovered=False, reason=reason))
    publish(subscription, 51)
    assert reader.log == [(reason, True), 51]
    assert reader.cursor.position == at(51)


def test_an_unknown_position_is_an_initial_gap() -> None:
    reader = Reader(unknown=True)
    subscription = room(reader)
    assert settle(subscription, entry(50)) == JoinAsk()
    publish(subscription, 51)
    assert reader.log == [("unknown", True), 51]


def test_a_rewind_marks_what_it_repeats() -> None:
    reader = Reader(rewind=3)
    subscription = room(reader)
    assert settle(subscription, entry(50, after=47)) == JoinAsk(rewind=3)
    publish(subscription, 48, 49, 50, 51)
    assert reader.log == [48, 49, 50, 51]
    assert reader.replayed == [48, 49, 50]


def test_two_rewinds_share_the_longer_one() -> None:
    short, long = Reader(rewind=1), Reader(rewind=3)
    subscription = room(short, long)
    assert settle(subscription, entry(50, after=47)) == JoinAsk(rewind=3)
    publish(subscription, 48, 49, 50, 51)
    assert short.log == [50, 51]
    assert long.log == [48, 49, 50, 51]
    assert subscription.next_ask() is None


def test_a_later_handle_at_the_end_needs_no_join() -> None:
    first, second = Reader(), Reader()
    subscription = room(first)
    settle(subscription, entry(41))
    publish(subscription, 42)
    subscription.cursors.append(second.cursor)
    assert subscription.next_ask() is None
    publish(subscription, 43)
    assert first.log == [42, 43]
    assert second.log == [43]


def test_a_handle_behind_the_others_joins_again_and_they_drop_repetitions() -> None:
    first, second = Reader(), Reader(position=at(40))
    subscription = room(first)
    settle(subscription, entry(41))
    publish(subscription, 42)
    subscription.cursors.append(second.cursor)
    assert settle(subscription, entry(42, recovered=True)) == JoinAsk(at(40))
    publish(subscription, 41, 42, 43)
    assert first.log == [42, 43]
    assert second.log == [41, 42, 43]


def test_a_gap_of_one_handle_takes_nothing_from_another() -> None:
    first, second = Reader(), Reader(position=at(2))
    subscription = room(first)
    settle(subscription, entry(41))
    subscription.cursors.append(second.cursor)
    # 42 to 44 were published meanwhile, and the answer says that none up to 44 comes.
    settle(subscription, entry(44, recovered=False, reason="expired"))
    assert settle(subscription, entry(44, recovered=True)) == JoinAsk(at(41))
    publish(subscription, 42, 43, 44, 45)
    assert first.log == [42, 43, 44, 45]
    assert second.log == [("expired", True), 45]


def test_after_a_loss_each_goes_on_where_it_was() -> None:
    first, second = Reader(), Reader(position=at(39))
    subscription = room(first, second)
    settle(subscription, entry(41, recovered=True))
    publish(subscription, 40)
    subscription.lose()
    assert settle(subscription, entry(43, recovered=True)) == JoinAsk(at(40))
    publish(subscription, 41, 42, 43)
    assert second.log == [40, 41, 42, 43]


def test_a_new_log_is_a_gap_for_all_of_the_old_one() -> None:
    first, second = Reader(), Reader(position=at(40))
    subscription = room(first, second)
    settle(subscription, entry(41, recovered=True))
    assert subscription.next_ask() is None
    publish(subscription, 41, 42)
    subscription.lose()
    settle(subscription, entry(3, "k4", recovered=False, reason="epoch_changed"))
    publish(subscription, 4)
    assert first.log == [42, ("epoch_changed", False), 4]
    assert second.log == [41, 42, ("epoch_changed", False), 4]


def test_a_log_replaced_on_the_connection_is_asked_for_again() -> None:
    reader = Reader()
    subscription = room(reader)
    settle(subscription, entry(41))
    subscription.on_replaced(entry(7, "k4", recovered=False, reason="epoch_changed"))
    answer = entry(8, "k4", recovered=False, reason="epoch_changed")
    assert settle(subscription, answer) == JoinAsk(at(41))
    publish(subscription, 9)
    assert reader.log == [("epoch_changed", False), 9]


def test_a_hole_makes_it_join_again() -> None:
    reader = Reader()
    subscription = room(reader)
    settle(subscription, entry(41))
    publish(subscription, 43)
    assert settle(subscription, entry(43, recovered=True)) == JoinAsk(at(41))
    publish(subscription, 42, 43)
    assert reader.log == [42, 43]


# Against a model


class ModelServer:
    """A log, and one client in its room: joins are answered at once, frames arrive later."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.epochs = 0
        self.replace()
        self.frames: list[tuple[JoinAsk | None, Frame]] = []  # under way to the client
        self.served: int | None = None  # the newest offset sent to the client; None: not joined

    def replace(self) -> None:
        """Begin a new log; a member hears of it."""
        self.epochs += 1
        self.epoch, self.top, self.oldest = f"k{self.epochs}", 0, 1

    def publish(self) -> None:
        self.top += 1
        self.send_news()

    def trim(self) -> None:
        self.oldest = self.random.randint(self.oldest, self.top + 1)

    def answer(self, ask: JoinAsk) -> None:
        """As ``docs/protocol.md`` says."""
        place = ask.position
        if ask.rewind:
            after = max(self.oldest - 1, self.top - ask.rewind)
            self.frames.append((ask, entry(self.top, self.epoch, after=after)))
            self.served = after
        elif place is None:
            self.frames.append((ask, entry(self.top, self.epoch)))
            self.served = self.top
        elif reason := self.gap(place):
            fields = entry(self.top, self.epoch, recovered=False, reason=reason)
            self.frames.append((ask, fields))
            self.served = self.top
        else:
            self.frames.append((ask, entry(self.top, self.epoch, recovered=True)))
            self.served = place.offset
        self.send_news()

    def gap(self, place: Position) -> str | None:
        if place.epoch != self.epoch:
            return "epoch_changed"
        if place.offset > self.top:
            return "ahead"
        return "expired" if place.offset + 1 < self.oldest else None

    def send_news(self) -> None:
        while self.served is not None and self.served < self.top:
            self.served += 1
            frame = {"type": "publication", "offset": self.served, "time": 1000}
            self.frames.append((None, {**frame, "data": (self.epoch, self.served)}))


class Promise:
    """A reader whose items are checked against the options of its handle as they come."""

    def __init__(self, server: ModelServer, **options: Any) -> None:
        self.server = server
        self.reader = Reader(**options)
        self.begin: Position | None = options.get("position")
        self.rewind: int = options.get("rewind", 0)
        self.checked = 0

    def check(self) -> None:
        """Every item follows the one before it: the next offset, or a gap that says so."""
        for item in self.reader.items[self.checked :]:
            self.checked += 1
            if isinstance(item, IncomingMessage):
                assert item.data == (item.position.epoch, item.offset)
                if self.begin is not None:
                    assert item.position == at(self.begin.offset + 1, self.begin.epoch)
                elif self.rewind and item.position.epoch == self.server.epoch:
                    first = max(self.server.oldest, self.server.top - self.rewind + 1)
                    assert item.offset <= first
            elif self.begin is not None:
                self.check_gap(item, self.begin)
            self.begin = item.position

    def check_gap(self, gap: Resync, before: Position) -> None:
        """Nothing is given up that the server could have sent."""
        if gap.reason == "epoch_changed":
            assert before.epoch != gap.position.epoch
        elif gap.reason == "ahead":
            assert gap.initial
            assert before.offset > gap.position.offset
        elif before.epoch == self.server.epoch:
            assert before.offset + 1 < self.server.oldest


class Scenario:
    """Readers of one room that come and go, under traffic, losses, trims and new logs."""

    def __init__(self, seed: int) -> None:
        self.server = ModelServer(seed)
        self.random = self.server.random
        self.subscription = RoomSubscription("chat:lobby")
        self.promises: list[Promise] = []
        self.asking = False
        self.online = True

    def step(self) -> None:
        steps = [self.server.publish] * 6 + [self.arrive] * 6 + [self.mount, self.unmount] * 2
        steps += [self.server.trim, self.lose, self.connect, self.replace]
        self.random.choice(steps)()
        self.ask()
        for promise in self.promises:
            promise.check()

    def mount(self) -> None:
        if len(self.promises) == 10:
            return
        since = Position(
            f"k{self.random.randint(max(1, self.server.epochs - 1), self.server.epochs)}",
            self.random.randint(0, self.server.top + 2),
        )
        options: Any = [{}, {"position": since}, {"rewind": self.random.randint(1, 20)}]
        promise = Promise(self.server, **self.random.choice([*options, {"unknown": True}]))
        self.promises.append(promise)
        self.subscription.cursors.append(promise.reader.cursor)

    def unmount(self) -> None:
        if len(self.promises) > 1:
            promise = self.promises.pop(self.random.randrange(len(self.promises)))
            self.subscription.cursors.remove(promise.reader.cursor)

    def replace(self) -> None:
        joined = self.server.served is not None
        self.server.replace()
        if joined:
            self.server.frames.append((None, entry(0, self.server.epoch, type="joined")))
            self.server.served = 0

    def lose(self) -> None:
        self.server.frames.clear()
        self.server.served = None
        self.asking = self.online = False
        self.subscription.lose()

    def connect(self) -> None:
        self.online = True

    def arrive(self) -> None:
        if not self.server.frames:
            return
        ask, frame = self.server.frames.pop(0)
        if ask:
            self.asking = False
            self.subscription.on_joined(ask, frame)
        elif frame["type"] == "publication":
            self.subscription.on_publication(frame)
        else:
            self.subscription.on_replaced(frame)

    def ask(self) -> None:
        waits = any(not cursor.synced for cursor in self.subscription.cursors)
        if self.online and waits and not self.asking and (ask := self.subscription.next_ask()):
            self.asking = True
            self.server.answer(ask)

    def come_to_rest(self) -> None:
        self.connect()
        for _ in range(10_000):
            self.arrive()
            self.ask()
            if not self.server.frames and not self.asking:
                return
        raise AssertionError("the joins do not end")


@pytest.mark.parametrize("seed", range(200))
def test_each_handle_sees_what_its_options_promise(seed: int) -> None:
    scenario = Scenario(seed)
    scenario.mount()
    for _ in range(300):
        scenario.step()
    for wave in range(3):  # what no later publication puts right
        for _ in range(5):
            scenario.unmount()
        for _ in range(wave + 1):
            scenario.mount()
            scenario.ask()
        if wave == 1:
            scenario.lose()
        scenario.come_to_rest()
    end = Position(scenario.server.epoch, scenario.server.top)
    for promise in scenario.promises:
        promise.check()
        assert promise.reader.cursor.position == end
        gaps = [item for item in promise.reader.items if isinstance(item, Resync)]
        assert all(not gap.initial for gap in gaps[1:])
