"""What is refused is counted, folded into two lines for each reason, and forgotten in time."""

import logging

import pytest

from realtime.protocol.codes import CloseCode
from realtime.store.contract import AtCapacity, LoginsUnavailable, StoreUnavailable
from realtime.worker.admission.refusals import FRESH, LONGEST_WORDS, QUIET, Reason, Refusals

from ..fakes import Clock


class Desk:
    """Refusals by a clock that is turned by hand, of a worker whose beats fail when told so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.away = False
        self.hastened = 0
        self.refusals = Refusals(clock=self.clock.time)
        self.refusals.hasten = self._hasten
        self.refusals.store_is_away = lambda: self.away

    def _hasten(self) -> None:
        self.hastened += 1


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture) -> Desk:
    caplog.set_level(logging.INFO)
    return Desk()


def test_each_is_counted_and_only_the_first_is_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        desk.refusals.note(Reason.STORE, "OOM command not allowed")
    assert desk.refusals.recent == {"store": 3}
    assert desk.refusals.totals == {Reason.STORE: 3}
    (record,) = caplog.records
    assert record.getMessage() == "connections are refused, store: OOM command not allowed"
    assert (record.levelname, record.__dict__["reason"]) == ("ERROR", "store")


def test_counts_are_of_the_last_minute(desk: Desk) -> None:
    desk.refusals.note(Reason.ORIGIN)
    desk.clock.turn(30)
    desk.refusals.note(Reason.ORIGIN)
    desk.refusals.note(Reason.RATE)
    assert desk.refusals.recent == {"origin": 2, "rate": 1}
    desk.clock.turn(31)
    assert desk.refusals.recent == {"origin": 1, "rate": 1}
    desk.clock.turn(30)
    assert desk.refusals.recent == {}
    assert desk.refusals.totals == {Reason.ORIGIN: 2, Reason.RATE: 1}


def test_what_is_kept_of_the_last_minute_is_bounded(desk: Desk) -> None:
    for _ in range(1000):
        desk.refusals.note(Reason.NO_HELLO)
        desk.clock.turn(0.5)
    assert len(desk.refusals._seconds) <= 61


@pytest.mark.parametrize("reason", [Reason.STORE, Reason.LOGIN_STORE, Reason.CAPACITY])
def test_what_degrades_fails_until_an_attempt_succeeds(
    desk: Desk, reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    desk.refusals.note(reason, "first")
    assert desk.hastened == 1
    desk.refusals.failed(reason, "second")
    desk.clock.turn(3 * QUIET)
    desk.refusals.look()
    assert desk.refusals.failing == {reason.value: "second"}
    desk.refusals.passed(reason)
    assert (desk.refusals.failing, desk.refusals.fails(reason)) == ({}, False)
    begun, over = caplog.messages
    assert begun.endswith("first")
    assert over == f"connections are refused no more, {reason}: 1 were, in 180.0 s"
    assert (caplog.records[1].levelname, caplog.records[1].__dict__["count"]) == ("WARNING", 1)


def test_an_attempt_alone_begins_and_ends(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        desk.refusals.failed(Reason.STORE, "OOM")
    assert (desk.refusals.failing, desk.refusals.recent) == ({"store": "OOM"}, {})
    desk.refusals.passed(Reason.STORE)
    desk.refusals.passed(Reason.STORE)
    assert len(caplog.messages) == 2


def test_a_refusal_that_no_attempt_confirms_fails_while_it_is_fresh(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """An application's own logins, say: what an attempt of ours finds says nothing of them."""
    desk.refusals.note(Reason.LOGIN_STORE, "their own")
    for _ in range(3):
        desk.refusals.passed(Reason.LOGIN_STORE)
        assert desk.refusals.fails(Reason.LOGIN_STORE)
        desk.clock.turn(FRESH)
        assert not desk.refusals.fails(Reason.LOGIN_STORE)
        desk.refusals.note(Reason.LOGIN_STORE, "their own")
    assert len(caplog.messages) == 1
    desk.clock.turn(QUIET)
    desk.refusals.look()
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("reason", [Reason.STORE, Reason.CAPACITY])
def test_what_was_over_before_an_attempt_met_it_ends_with_a_later_one(
    desk: Desk, reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    desk.refusals.note(reason, "for a moment")
    desk.refusals.passed(reason)
    assert desk.refusals.goes_on(reason)
    desk.clock.turn(FRESH)
    desk.refusals.passed(reason)
    assert not desk.refusals.goes_on(reason)
    assert len(caplog.messages) == 2


def test_other_reasons_are_over_after_a_minute_without_one(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        desk.refusals.note(Reason.ORIGIN, "the origin https://evil.example is not allowed")
        desk.clock.turn(QUIET - 1)
        desk.refusals.look()
    assert (len(caplog.messages), desk.hastened, desk.refusals.failing) == (1, 0, {})
    desk.clock.turn(1)
    desk.refusals.look()
    assert caplog.messages[1].startswith("connections are refused no more, origin: 3 were, in")
    desk.refusals.note(Reason.ORIGIN, "again")
    assert len(caplog.messages) == 3


def test_while_the_beats_say_that_the_store_is_away_that_line_is_enough(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.away = True
    desk.refusals.note(Reason.STORE, "no answer")
    desk.refusals.failed(Reason.STORE, "no answer")
    desk.refusals.note(Reason.LOGIN_STORE, "no answer either")
    assert desk.refusals.failing == {"store": "no answer", "login_store": "no answer either"}
    desk.away = False
    desk.refusals.store_is_back()
    assert list(desk.refusals.failing) == ["login_store"]
    assert len(caplog.messages) == 1
    desk.refusals.note(Reason.STORE, "OOM")
    assert len(caplog.messages) == 2


def test_what_had_begun_before_the_store_was_away_is_for_an_attempt_to_find_out(
    desk: Desk,
) -> None:
    desk.refusals.note(Reason.STORE, "OOM")
    desk.away, desk.away = True, False
    desk.refusals.store_is_back()
    assert (desk.refusals.fails(Reason.STORE), desk.hastened) == (True, 2)


def test_no_word_forges_a_line_and_none_is_long(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.refusals.note(Reason.ORIGIN, "https://evil\nERROR forged\u2028\x1b[2J你好" + 999 * "x")
    (message,) = caplog.messages
    assert message.isprintable()
    assert "你好" in message
    assert len(message) < LONGEST_WORDS + 100


@pytest.mark.parametrize(
    ("end", "error", "expected"),
    [
        ((1001, ""), None, Reason.DRAINING),
        ((4001, ""), None, Reason.DRAINING),
        ((4004, ""), None, Reason.RATE),
        ((4005, ""), None, Reason.NO_HELLO),
        ((4008, ""), None, Reason.UNAUTHENTICATED),
        ((4501, ""), None, Reason.UNAUTHENTICATED),
        ((4503, ""), None, Reason.UNAUTHENTICATED),
        ((4504, ""), None, Reason.LIMIT),
        ((4505, ""), None, Reason.PROTOCOL),
        ((4321, "the application's own"), None, Reason.APPLICATION),
        ((4009, ""), StoreUnavailable("no answer"), Reason.STORE),
        ((4009, ""), LoginsUnavailable("no answer"), Reason.LOGIN_STORE),
        ((4009, ""), AtCapacity("too many"), Reason.CAPACITY),
        ((4009, ""), TimeoutError(), Reason.APPLICATION),
        (None, ZeroDivisionError(), Reason.APPLICATION),
        (None, None, None),
        ((4506, "elsewhere"), None, None),
        ((4500, "by an administrator"), None, None),
    ],
)
def test_how_a_connection_has_ended_says_why(
    desk: Desk, end: tuple[int, str] | None, error: Exception | None, expected: Reason | None
) -> None:
    desk.refusals.ended(end, error)
    assert desk.refusals.recent == ({expected.value: 1} if expected else {})


def test_every_code_of_ours_is_counted_under_a_known_reason(desk: Desk) -> None:
    for code in CloseCode:
        desk.refusals.ended((code, ""), None)
    assert set(desk.refusals.recent) <= {reason.value for reason in Reason}


LEVELS: list[tuple[Reason, str]] = [
    (Reason.STORE, "ERROR"),
    (Reason.APPLICATION, "ERROR"),
    (Reason.ORIGIN, "WARNING"),
    (Reason.UNAUTHENTICATED, "INFO"),
]


@pytest.mark.parametrize(("reason", "level"), LEVELS)
def test_the_level_says_who_has_to_do_something(
    desk: Desk, caplog: pytest.LogCaptureFixture, reason: Reason, level: str
) -> None:
    desk.refusals.note(reason)
    assert caplog.records[0].levelname == level
