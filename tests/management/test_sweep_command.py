"""``manage.py sweep``."""

import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from realtime.models import ClosedSession, LiveSession
from tests.commands import Command, printed, process, registry, run
from tests.store.builders import beat, open_many, suspended
from tests.store.store_fixtures import LEASE

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = ["suspended", "closed", "workers_lost", "history_pruned", "took_ms", "dry_run"]
HOUR = 3600

sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="it locks a file")


@pytest.fixture
def dead() -> None:
    """Three sessions of a lost worker, and two expired ones."""
    past = registry(ago=HOUR)
    for id_ in ("expired 1", "expired 2"):
        suspended(past, id_)
    recent = registry(ago=LEASE + 5)
    open_many(recent, 3)
    beat(recent)


def without_time(line: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(line)
    assert report.pop("took_ms") >= 0
    return report


def report(suspended: int = 0, closed: int = 0, workers_lost: int = 0, **given: Any) -> Any:
    return {
        "suspended": suspended,
        "closed": closed,
        "workers_lost": workers_lost,
        "history_pruned": 0,
        "dry_run": False,
        **given,
    }


@contextmanager
def locked() -> Iterator[None]:
    """Another connection holds the write lock."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


# ---------------------------------------------------------------- once


@pytest.mark.usefixtures("dead")
def test_a_sweep_prints_one_sentence() -> None:
    text = printed("sweep")
    assert re.fullmatch(
        r"Suspended 3, closed 2 sessions; 1 workers lost; pruned 0 history rows \([\d.]+ ms\)\.\n",
        text,
    )
    assert ClosedSession.objects.count() == 2


@pytest.mark.usefixtures("dead")
def test_json_prints_one_object_only() -> None:
    text = printed("sweep", "--json")
    assert text.count("\n") == 1
    assert list(json.loads(text)) == KEYS
    assert without_time(text) == report(3, 2, 1)


@pytest.mark.usefixtures("dead")
def test_a_second_sweep_finds_nothing() -> None:
    printed("sweep")
    assert without_time(printed("sweep", "--json")) == report()


def test_sessions_of_a_crashed_worker_are_suspended_then_closed() -> None:
    past = registry(ago=HOUR)
    open_many(past, 5)
    beat(past)
    assert without_time(printed("sweep", "--json")) == report(5, 0, 1)
    LiveSession.objects.update(deadline=0)  # as after the window
    assert without_time(printed("sweep", "--json")) == report(0, 5, 0)
    assert LiveSession.objects.count() == 0


@pytest.mark.usefixtures("dead")
def test_a_dry_run_reports_what_a_sweep_would_do() -> None:
    text = printed("sweep", "--dry-run")
    assert text.startswith(
        "Would suspend 3, close 2 sessions; 1 workers lost; would prune 0 history"
    )
    assert without_time(printed("sweep", "--dry-run", "--json")) == report(3, 2, 1, dry_run=True)


@pytest.mark.usefixtures("dead")
def test_a_dry_run_changes_nothing() -> None:
    before = list(LiveSession.objects.order_by("id").values())
    printed("sweep", "--dry-run")
    assert list(LiveSession.objects.order_by("id").values()) == before
    assert ClosedSession.objects.count() == 0
    assert registry().stats().last_sweep is None


@pytest.mark.usefixtures("dead")
def test_the_store_has_the_last_sweep() -> None:
    printed("sweep")
    last = registry().stats().last_sweep
    assert last is not None
    assert (last.suspended, last.closed) == (3, 2)


@sqlite_only
def test_an_unreachable_store_is_one_line(settings: Any) -> None:
    settings.REALTIME = {"STORE_TIMEOUT": 0.05}
    with locked(), pytest.raises(CommandError, match="the store is unreachable"):
        call_command("sweep")


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "inf", "soon", ""])
def test_an_interval_is_a_number_above_zero(interval: str) -> None:
    with pytest.raises(CommandError, match="--interval: expected a number of seconds above 0"):
        call_command("sweep", f"--interval={interval}")


# ---------------------------------------------------------------- as a process


def line_of(sweep: Command) -> dict[str, Any]:
    """The next report that the process prints."""
    return without_time(sweep.stdout.readline())


def wait_until_it_catches(sweep: Command, number: signal.Signals) -> None:
    """Wait until the process handles this signal."""
    status = Path(f"/proc/{sweep.process.pid}/status")
    while True:
        assert sweep.process.poll() is None
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status.read_text())
        if caught and int(caught[1], 16) >> (number - 1) & 1:
            return


@sqlite_only
@pytest.mark.usefixtures("dead")
def test_a_process_sweeps_and_ends() -> None:
    code, out, err = run("sweep", "--json")
    assert (code, without_time(out), err) == (0, report(3, 2, 1), "")


@sqlite_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_with_an_interval_it_runs_until_a_signal(number: signal.Signals) -> None:
    with process("sweep", "--interval", "3600", "--json") as sweep:
        assert line_of(sweep) == report()
        sweep.process.send_signal(number)
        assert sweep.ended() == (0, "", "")


@sqlite_only
def test_it_sweeps_again_after_each_interval() -> None:
    with process("sweep", "--interval", "0.01", "--json") as sweep:
        assert line_of(sweep) == report()
        open_many(registry(ago=HOUR), 3)
        found = 0
        while found < 3:
            found += line_of(sweep)["suspended"]
        sweep.process.send_signal(signal.SIGTERM)
        code, out, err = sweep.ended()
    assert (code, err) == (0, "")
    assert all(without_time(line) == report() for line in out.splitlines())


@sqlite_only
def test_with_an_interval_it_survives_an_outage() -> None:
    arguments = ("sweep", "--interval", "0.01", "--json")
    with ExitStack() as stack:
        with locked():
            sweep = stack.enter_context(process(*arguments, REALTIME_STORE_TIMEOUT="0.05"))
            assert "the store is unreachable" in sweep.stderr.readline()
        assert line_of(sweep) == report()
        sweep.process.send_signal(signal.SIGTERM)
        assert sweep.ended()[0] == 0


@sqlite_only
def test_a_signal_ends_it_while_the_store_hangs() -> None:
    arguments = ("sweep", "--interval", "3600")
    with locked(), process(*arguments, REALTIME_STORE_TIMEOUT="60") as sweep:
        wait_until_it_catches(sweep, signal.SIGTERM)
        sweep.process.send_signal(signal.SIGTERM)
        assert sweep.process.wait(2) == 0


@sqlite_only
def test_two_processes_at_once_close_each_session_once() -> None:
    past = registry(ago=HOUR)
    for number in range(50):
        suspended(past, f"s{number}")
    with process("sweep", "--json") as one, process("sweep", "--json") as two:
        reports = [one.ended(), two.ended()]
    assert [code for code, _, _ in reports] == [0, 0]
    assert sum(without_time(out)["closed"] for _, out, _ in reports) == 50
    assert ClosedSession.objects.count() == 50


@pytest.mark.parametrize("arguments", [["--interval", "0"], ["--unknown"]])
def test_bad_arguments_end_with_an_error(arguments: list[str]) -> None:
    code, out, err = run("sweep", *arguments)
    assert (code, out) == (2, "")
    assert arguments[0] in err
    assert "Traceback" not in err
