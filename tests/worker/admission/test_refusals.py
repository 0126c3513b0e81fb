"""Refusals are counted, logged in two lines for each reason, and forgotten in time."""

import logging

import pytest

from realtime.protocol.codes import CloseCode
from realtime.store.contract import AtCapacity, LoginsUnavailable, StoreUnavailable
from realtime.worker.admission.refusals import FRESH, MAX_CAUSE, QUIET, Reason, Refusals
from realtime.worker.rooms.batched_reads import WorkerStopped

from ..fakes import Clock


class RefusalsHarness:
    """Refusals by a clock that the test sets, of a worker whose beats fail while ``away``."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.away = False
        self.probes = 0
        self.refusals = Refusals(clock=self.clock.time)
        self.refusals.probe_soon = self._probe_soon
        self.refusals.store_is_down = lambda: self.away

    def _probe_soon(self) -> None:
        self.probes += 1


@pytest.fixture
def harness(caplog: pytest.LogCaptureFixture) -> RefusalsHarness:
    caplog.set_level(logging.INFO)
    return RefusalsHarness()


def test_each_is_counted_and_only_the_first_is_logged(
    harness: RefusalsHarness, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        harness.refusals.record(Reason.STORE, "OOM command not allowed")
    assert harness.refusals.recent == {"store": 3}
    assert harness.refusals.totals == {Reason.STORE: 3}
    (record,) = caplog.records
    assert record.getMessage() == "connections are refused, store: OOM command not allowed"
    assert (record.levelname, record.__dict__["reason"]) == ("ERROR", "store")


def test_counts_are_of_the_last_minute(harness: RefusalsHarness) -> None:
    harness.refusals.record(Reason.ORIGIN)
    harness.clock.turn(30)
    harness.refusals.record(Reason.ORIGIN)
    harness.refusals.record(Reason.RATE)
    assert harness.refusals.recent == {"origin": 2, "rate": 1}
    harness.clock.turn(31)
    assert harness.refusals.recent == {"origin": 1, "rate": 1}
    harness.clock.turn(30)
    assert harness.refusals.recent == {}
    assert harness.refusals.totals == {Reason.ORIGIN: 2, Reason.RATE: 1}


def test_counts_of_the_last_minute_are_bounded(harness: RefusalsHarness) -> None:
    for _ in range(1000):
        harness.refusals.record(Reason.NO_HELLO)
        harness.clock.turn(0.5)
    assert len(harness.refusals._seconds) <= 61


@pytest.mark.parametrize("reason", [Reason.STORE, Reason.LOGIN_STORE, Reason.CAPACITY])
def test_a_degrading_reason_fails_until_a_probe_passes(
    harness: RefusalsHarness, reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    harness.refusals.record(reason, "first")
    assert harness.probes == 1
    harness.refusals.probe_failed(reason, "second")
    harness.clock.turn(3 * QUIET)
    harness.refusals.close_quiet()
    assert harness.refusals.failing == {reason.value: "second"}
    harness.refusals.probe_passed(reason)
    assert (harness.refusals.failing, harness.refusals.is_failing(reason)) == ({}, False)
    begun, over = caplog.messages
    assert begun.endswith("first")
    assert over == f"connections are refused no more, {reason}: 1 were, in 180.0 s"
    assert (caplog.records[1].levelname, caplog.records[1].__dict__["count"]) == ("WARNING", 1)


def test_a_probe_alone_opens_and_closes_it(
    harness: RefusalsHarness, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        harness.refusals.probe_failed(Reason.STORE, "OOM")
    assert (harness.refusals.failing, harness.refusals.recent) == ({"store": "OOM"}, {})
    harness.refusals.probe_passed(Reason.STORE)
    harness.refusals.probe_passed(Reason.STORE)
    assert len(caplog.messages) == 2


def test_an_unconfirmed_refusal_is_failing_while_it_is_fresh(
    harness: RefusalsHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one of an application's own logins, which no probe of ours covers."""
    harness.refusals.record(Reason.LOGIN_STORE, "their own")
    for _ in range(3):
        harness.refusals.probe_passed(Reason.LOGIN_STORE)
        assert harness.refusals.is_failing(Reason.LOGIN_STORE)
        harness.clock.turn(FRESH)
        assert not harness.refusals.is_failing(Reason.LOGIN_STORE)
        harness.refusals.record(Reason.LOGIN_STORE, "their own")
    assert len(caplog.messages) == 1
    harness.clock.turn(QUIET)
    harness.refusals.close_quiet()
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("reason", [Reason.STORE, Reason.CAPACITY])
def test_an_unconfirmed_store_reason_closes_with_a_later_probe(
    harness: RefusalsHarness, reason: Reason, caplog: pytest.LogCaptureFixture
) -> None:
    harness.refusals.record(reason, "for a moment")
    harness.refusals.probe_passed(reason)
    assert harness.refusals.is_open(reason)
    harness.clock.turn(FRESH)
    harness.refusals.probe_passed(reason)
    assert not harness.refusals.is_open(reason)
    assert len(caplog.messages) == 2


def test_other_reasons_close_after_a_minute_without_refusals(
    harness: RefusalsHarness, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        harness.refusals.record(Reason.ORIGIN, "the origin https://evil.example is not allowed")
        harness.clock.turn(QUIET - 1)
        harness.refusals.close_quiet()
    assert (len(caplog.messages), harness.probes, harness.refusals.failing) == (1, 0, {})
    harness.clock.turn(1)
    harness.refusals.close_quiet()
    assert caplog.messages[1].startswith("connections are refused no more, origin: 3 were, in")
    harness.refusals.record(Reason.ORIGIN, "again")
    assert len(caplog.messages) == 3


def test_while_the_beats_log_an_outage_refusals_do_not(
    harness: RefusalsHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.away = True
    harness.refusals.record(Reason.STORE, "no answer")
    harness.refusals.probe_failed(Reason.STORE, "no answer")
    harness.refusals.record(Reason.LOGIN_STORE, "no answer either")
    assert harness.refusals.failing == {"store": "no answer", "login_store": "no answer either"}
    harness.away = False
    harness.refusals.store_recovered()
    assert list(harness.refusals.failing) == ["login_store"]
    assert len(caplog.messages) == 1
    harness.refusals.record(Reason.STORE, "OOM")
    assert len(caplog.messages) == 2


def test_a_reason_older_than_the_outage_is_decided_by_a_probe(
    harness: RefusalsHarness,
) -> None:
    harness.refusals.record(Reason.STORE, "OOM")
    harness.away, harness.away = True, False
    harness.refusals.store_recovered()
    assert (harness.refusals.is_failing(Reason.STORE), harness.probes) == (True, 2)


def test_causes_are_printable_and_short(
    harness: RefusalsHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.refusals.record(
        Reason.ORIGIN, "https://evil\nERROR forged\u2028\x1b[2J你好" + 999 * "x"
    )
    (message,) = caplog.messages
    assert message.isprintable()
    assert "你好" in message
    assert len(message) < MAX_CAUSE + 100


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
        ((4009, ""), WorkerStopped("this worker ends"), Reason.DRAINING),
        (None, None, None),
        ((4506, "elsewhere"), None, None),
        ((4500, "by an administrator"), None, None),
    ],
)
def test_the_end_of_a_connection_gives_the_reason(
    harness: RefusalsHarness,
    end: tuple[int, str] | None,
    error: Exception | None,
    expected: Reason | None,
) -> None:
    harness.refusals.record_end(end, error)
    assert harness.refusals.recent == ({expected.value: 1} if expected else {})


def test_every_code_of_ours_is_counted_under_a_known_reason(harness: RefusalsHarness) -> None:
    for code in CloseCode:
        harness.refusals.record_end((code, ""), None)
    assert set(harness.refusals.recent) <= {reason.value for reason in Reason}


LEVELS: list[tuple[Reason, str]] = [
    (Reason.STORE, "ERROR"),
    (Reason.APPLICATION, "ERROR"),
    (Reason.ORIGIN, "WARNING"),
    (Reason.UNAUTHENTICATED, "INFO"),
]


@pytest.mark.parametrize(("reason", "level"), LEVELS)
def test_the_level_tells_server_faults_from_clients(
    harness: RefusalsHarness, caplog: pytest.LogCaptureFixture, reason: Reason, level: str
) -> None:
    harness.refusals.record(reason)
    assert caplog.records[0].levelname == level
