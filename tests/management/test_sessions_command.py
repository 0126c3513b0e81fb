"""``manage.py sessions``."""

import json
import secrets
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from msgspec.structs import replace

from realtime.ending.history import History
from realtime.store.contract import BATCH
from realtime.store.database.operations import DatabaseOperations
from realtime.store.database.transaction import Database
from realtime.store.records import Page, Query, Totals
from tests.commands import Command, printed, process, registry, run
from tests.polling import TIMEOUT
from tests.store.builders import beat, closing, open_many, opening, suspended, update

pytestmark = pytest.mark.django_db(transaction=True)

BUFFERED = {"PYTHONUNBUFFERED": ""}  # as a user starts it

KEYS = [
    "id",
    "user",
    "state",
    "worker",
    "address",
    "connected_at",
    "uptime_seconds",
    "latency_ms",
    "missed",
    "rooms",
    "last_beat",
    "username",
    "pings",
    "pongs",
    "resumes",
]
HISTORY_KEYS = [
    "id",
    "user",
    "username",
    "address",
    "opened_at",
    "last_seen",
    "closed_at",
    "duration_seconds",
    "resumes",
    "code",
    "reason",
    "pings",
    "pongs",
]


def listed(*arguments: str) -> list[dict[str, Any]]:
    """The array that ``--json`` prints."""
    text = printed("sessions", "--json", *arguments)
    assert text.count("\n") == 1
    rows: list[dict[str, Any]] = json.loads(text)
    return rows


def shown(*arguments: str) -> list[str]:
    """The ids of the listed sessions."""
    return sorted(row["id"] for row in listed(*arguments))


def run_without_reader(running: Command) -> tuple[str, int]:
    """The error output of a command whose output is closed, and its exit code."""
    return running.stderr.read(), running.process.wait(TIMEOUT)


@pytest.fixture
def three() -> None:
    """s1 of user 7 at w1, s2 of user 8 at w2, s3 of user 7 suspended."""
    store = registry()
    store.open(opening("s1", user="7", worker="w1", rooms=("chat:1", "news")))
    store.open(opening("s2", user="8", worker="w2", rooms=("news",)))
    suspended(store, "s3", user="7", rooms=("news",))


@pytest.fixture
def ended_sessions() -> None:
    """Two closed sessions: h1 of user 7, h2 anonymous."""
    history = History(Database("default"), days=30)
    store = registry()
    for id_, user in (("h1", "7"), ("h2", "")):
        store.open(opening(id_, user=user))
        history.record([closing(store, id_)])
        store.confirm([id_])


# ---------------------------------------------------------------- listing


def test_without_sessions_the_list_is_empty() -> None:
    assert listed() == []
    assert listed("--history") == []


@pytest.mark.usefixtures("three")
def test_an_entry_has_user_address_and_state() -> None:
    store = registry()
    beat(store, "w1", update("s1", latency_ms=12.5, missed=2, totals=Totals(3, 2)))
    (row,) = listed("--user", "7", "--state", "connected")
    opened = store.of_user("7")
    assert list(row) == KEYS
    assert row.pop("uptime_seconds") >= 0
    assert row == {
        "id": "s1",
        "user": "7",
        "state": "connected",
        "worker": "w1",
        "address": "10.0.0.1",
        "connected_at": next(s.opened_at for s in opened if s.id == "s1"),
        "latency_ms": 12.5,
        "missed": 2,
        "rooms": ["chat:1", "news"],
        "last_beat": next(s.last_beat for s in opened if s.id == "s1"),
        "username": "ada",
        "pings": 3,
        "pongs": 2,
        "resumes": 0,
    }


@pytest.mark.usefixtures("three")
def test_the_uptime_counts_from_the_start() -> None:
    registry(ago=3600).open(opening("old"))
    uptimes = {row["id"]: row["uptime_seconds"] for row in listed()}
    assert 3600 <= uptimes["old"] < 3700
    assert uptimes["s1"] < 100


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["s1", "s2", "s3"]),
        (["--user", "7"], ["s1", "s3"]),
        (["--user", "nobody"], []),
        (["--worker", "w2"], ["s2"]),
        (["--state", "connected"], ["s1", "s2"]),
        (["--state", "suspended"], ["s3"]),
        (["--user", "7", "--state", "connected", "--worker", "w1"], ["s1"]),
        (["--user", "7", "--worker", "w2"], []),
        (["--room", "news"], ["s1", "s2"]),
        (["--room", "news", "--user", "8"], ["s2"]),
        (["--room", "chat:2"], []),
    ],
)
def test_filters(arguments: list[str], expected: list[str]) -> None:
    assert shown(*arguments) == expected


@pytest.mark.usefixtures("three")
def test_anonymous_and_suspended_sessions_have_no_user_or_worker() -> None:
    registry().open(opening("s4", user=""))
    rows = {row["id"]: row for row in listed()}
    assert rows["s4"]["user"] is None
    assert rows["s3"]["worker"] is None


def test_all_pages_are_listed() -> None:
    known = open_many(registry(), BATCH + 2)
    assert shown() == known


def test_a_long_user_key_does_not_touch_the_id() -> None:
    """So that the id can be copied from the table."""
    ids = {user: secrets.token_hex(16) for user in ("7", str(uuid.uuid4()), "u" * 255)}
    for user, id_ in ids.items():
        registry().open(opening(id_, user=user, username="ada\nforged"))
    _, *lines, _ = printed("sessions").splitlines()
    assert {line.split()[1]: line.split()[0] for line in lines} == ids
    assert all(line.endswith("  ada\\nforged") for line in lines)
    for id_ in ids.values():
        printed("sessions", "--close", id_)


def test_rows_are_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are written as they are read: of 20, in pages of 5, five are read before the first."""
    open_many(registry(), 20)
    monkeypatch.setattr("realtime.api.BATCH", 5)
    asked: list[str] = []

    class Out(StringIO):
        def write(self, text: str) -> int:
            asked.append(f"{len(pages)} pages")
            return super().write(text)

    pages: list[str] = []
    page = DatabaseOperations.page

    def counted(store: DatabaseOperations, query: Query, **options: Any) -> Page:
        pages.append(options["cursor"])
        return page(store, query, **options)

    monkeypatch.setattr(DatabaseOperations, "page", counted)
    out = Out()
    call_command("sessions", "--json", stdout=out)
    assert (len(json.loads(out.getvalue())), len(pages)) == (20, 4)
    assert asked[0] == "1 pages"


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--history"], ["--history", "--json"]])
def test_a_closed_pipe_ends_it_without_an_error(arguments: list[str]) -> None:
    """More output than a pipe and Python's buffer hold."""
    if "--history" in arguments:
        gone = closing(registry())
        many = [replace(gone, id=f"s{number}") for number in range(900)]
        History(Database("default"), days=30).record(many)
    else:
        open_many(registry(), 900)
    with process("sessions", *arguments, **BUFFERED) as running:
        assert running.stdout.read(1)
        running.stdout.close()
        assert run_without_reader(running) == ("", 0)


@pytest.mark.usefixtures("three")
def test_a_pipe_closed_at_the_exit_is_no_error() -> None:
    """At the exit all output is still buffered."""
    with process("sessions", **BUFFERED) as running:
        running.stdout.close()
        assert run_without_reader(running) == ("", 0)


@pytest.mark.usefixtures("three")
def test_without_json_it_prints_a_table() -> None:
    lines = printed("sessions").splitlines()
    assert lines[0].split()[:4] == ["session", "user", "state", "worker"]
    assert {line.split()[0] for line in lines[1:-1]} == {"s1", "s2", "s3"}
    assert lines[-1].startswith("3 sessions")


# ---------------------------------------------------------------- history


@pytest.mark.usefixtures("three", "ended_sessions")
def test_the_history_lists_closed_sessions() -> None:
    rows = {row["id"]: row for row in listed("--history")}
    assert sorted(rows) == ["h1", "h2"]
    assert list(rows["h1"]) == HISTORY_KEYS
    assert (rows["h1"]["code"], rows["h1"]["reason"]) == (1000, "bye")
    assert (rows["h1"]["user"], rows["h2"]["user"]) == ("7", None)


@pytest.mark.usefixtures("ended_sessions")
def test_the_history_of_one_user() -> None:
    assert shown("--history", "--user", "7") == ["h1"]
    assert shown("--history", "--user", "nobody") == []


@pytest.mark.usefixtures("ended_sessions")
def test_the_history_as_text() -> None:
    lines = printed("sessions", "--history").splitlines()
    assert [line.split()[1:3] for line in lines[:-1]] == [["anonymous", "h2"], ["7", "h1"]]
    assert lines[-1].startswith("2 closed sessions")


# ---------------------------------------------------------------- closing


@pytest.mark.usefixtures("three")
def test_a_close_request_reaches_the_worker_s_inbox() -> None:
    text = printed("sessions", "--close", "s1", "--reason", "maintenance")
    assert text == "The session will be disconnected.\n"
    (asked,) = beat(registry(), "w1").inbox
    assert (asked.session, asked.code, asked.reason) == ("s1", 4500, "maintenance")


@pytest.mark.usefixtures("three")
def test_a_suspended_session_is_closed_by_the_next_sweep() -> None:
    printed("sessions", "--close", "s3")
    assert [session.id for session in registry().sweep("sweeper").claimed] == ["s3"]


@pytest.mark.usefixtures("three", "ended_sessions")
@pytest.mark.parametrize("unknown", ["s", "s9", "h1"])
def test_an_unknown_session_is_an_error(unknown: str) -> None:
    with pytest.raises(CommandError, match=f"there is no session {unknown}") as raised:
        call_command("sessions", "--close", unknown)
    assert raised.value.returncode == 1


def test_an_empty_id_is_an_error() -> None:
    with pytest.raises(CommandError, match="there is no session"):
        call_command("sessions", "--close", "")


def test_a_process_that_closes_an_unknown_session_exits_with_1() -> None:
    code, out, err = run("sessions", "--close", "unknown")
    assert (code, out) == (1, "")
    assert err == "CommandError: there is no session unknown\n"


@pytest.mark.usefixtures("three")
def test_a_process_that_closes_a_session_exits_with_0() -> None:
    assert run("sessions", "--close", "s1")[0] == 0
    assert [asked.session for asked in beat(registry(), "w1").inbox] == ["s1"]


# ---------------------------------------------------------------- mistakes


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--history", "--worker", "w1"], "--history goes with --user only"),
        (["--history", "--state", "connected"], "--history goes with --user only"),
        (["--reason", "why"], "--reason goes with --close"),
        (["--history", "--close", "s1"], "not allowed with argument"),
        (["--state", "closing"], "invalid choice: 'closing'"),
        (["--close"], "expected one argument"),
        (["s1"], "unrecognized arguments: s1"),
    ],
)
def test_options_that_exclude_each_other(arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        call_command("sessions", *arguments)
    assert beat(registry(), "w1").inbox == ()


def test_bad_arguments_end_a_process_with_2() -> None:
    code, out, err = run("sessions", "--state", "closing")
    assert (code, out) == (2, "")
    assert "invalid choice" in err
    assert "Traceback" not in err
