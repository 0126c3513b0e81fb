"""A view of a room's log, from hints, from tops and from reads."""

import pytest

from realtime.protocol.frames import encode_message
from realtime.protocol.position import Gap, Position
from realtime.store.log import LogEnd
from realtime.worker.rooms.encoding import EncodedPublication
from realtime.worker.rooms.log_view import LogRead, LogSlice, LogView


def end(top: int, *, oldest: int = 1, epoch: str = "e") -> LogEnd:
    return LogEnd(Position(epoch, top), oldest)


def page(log_end: LogEnd, *offsets: int) -> LogSlice:
    return LogSlice(log_end, [EncodedPublication(each, 1, encode_message("")) for each in offsets])


@pytest.fixture
def view() -> LogView:
    return LogView(end(3))


def test_a_hint_asks_for_a_read_but_moves_nothing(view: LogView) -> None:
    assert view.next_read() is None
    assert view.on_hint("e", 7)
    assert not view.on_hint("e", 3)
    assert view.next_read() == LogRead(3, conflicts=0)
    assert (view.top, view.newest) == (3, Position("e", 3))


def test_a_false_hint_is_forgotten_after_a_read(view: LogView) -> None:
    view.on_hint("e", 7)
    assert not view.on_read(LogRead(3, 0), page(end(3)))
    view.on_read(LogRead(3, 0), page(end(3)))
    assert view.next_read() is None


def test_a_top_confirms_what_members_may_continue_at(view: LogView) -> None:
    assert view.gap(Position("e", 7)) is Gap.AHEAD
    assert view.on_top(end(7, oldest=5), newest_before=3)
    assert view.newest == Position("e", 7)
    assert view.gap(Position("e", 7)) is None
    assert view.gap(Position("e", 3)) is Gap.EXPIRED


def test_a_rewind_goes_as_far_as_the_log_reaches() -> None:
    view = LogView(end(10))
    assert [view.rewound(count).offset for count in (1, 9, 10, 11, 1000)] == [9, 1, 0, 0, 0]
    assert view.rewound(1).epoch == "e"
    assert LogView(end(10, oldest=4)).rewound(1000).offset == 3
    assert LogView(end(10, oldest=11)).rewound(5).offset == 10
    assert LogView(end(0)).rewound(5).offset == 0


@pytest.mark.parametrize(
    ("kept", "count", "replayed"),
    [(7, 1000, 7), (8, 1000, 7), (50, 40, 40), (50, 1000, 44), (1000, 984, 984), (1000, 1000, 984)],
)
def test_a_rewind_leaves_out_what_a_log_is_about_to_drop(
    kept: int, count: int, replayed: int
) -> None:
    view = LogView(end(5000, oldest=5000 - kept + 1))
    assert view.rewound(count).offset == 5000 - replayed


def test_a_rewind_counts_from_the_newest_that_is_confirmed(view: LogView) -> None:
    view.on_top(end(7), newest_before=3)
    assert view.rewound(2).offset == 5


def test_a_rewind_never_begins_beyond_a_log_that_has_become_shorter() -> None:
    view = LogView(end(9, oldest=8))
    view.on_read(LogRead(9, 0), page(end(3)))
    assert view.rewound(5).offset == 3


def test_another_epoch_is_a_conflict_until_a_read(view: LogView) -> None:
    assert view.on_hint("other", 1)
    read = view.next_read()
    assert read == LogRead(3, conflicts=1)
    view.on_top(end(1, epoch="other"), newest_before=3)
    view.on_read(read, page(end(3)))
    assert (view.epoch, view.next_read()) == ("e", LogRead(3, conflicts=2))


def test_a_top_below_what_was_known_before_is_a_conflict(view: LogView) -> None:
    assert view.on_top(end(2), newest_before=3)
    assert view.conflicts == 1
    view.advance(4)
    assert not view.on_top(end(3), newest_before=3)  # it was asked before 4 came
    assert view.conflicts == 1


@pytest.mark.parametrize(
    ("oldest", "moved"),
    [(1, False), (3, False), (4, False), (5, True), (6, True)],
)
def test_the_top_moves_only_if_what_follows_it_is_lost(
    view: LogView, oldest: int, *, moved: bool
) -> None:
    kept = () if moved else (4, 5, 6)
    assert view.on_read(LogRead(3, 0), page(end(6, oldest=oldest), *kept)) is moved
    assert view.top == (6 if moved else 3)
    assert view.gap_of_member(3) is (Gap.EXPIRED if moved else None)


def test_an_empty_page_before_the_end_means_that_what_follows_is_lost(view: LogView) -> None:
    assert view.on_read(LogRead(3, 0), page(end(6, oldest=1)))
    assert view.top == 6
    assert view.next_read() is None


def test_an_empty_page_proves_no_loss_after_what_was_fanned_out_meanwhile(view: LogView) -> None:
    view.advance(4)  # while the read from 3 was under way
    assert not view.on_read(LogRead(3, 0), page(end(6, oldest=1)))
    assert view.top == 4


def test_a_log_that_has_become_shorter_is_believed(view: LogView) -> None:
    assert view.on_read(LogRead(3, 0), page(end(2)))
    assert (view.top, view.newest) == (2, Position("e", 2))
    assert view.gap_of_member(3) is Gap.AHEAD
