"""The docs name everything there is, and what they say of it is what the code does.

What has to be named is read from the code, so that a new setting, code, check, message,
signal, option or logger fails here until it is described.
"""

import argparse
import ast
import asyncio
import html
import json
import re
import shutil
import subprocess
import textwrap
import unittest
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any

import msgspec
import pytest
from django.apps import apps
from django.core.management import BaseCommand, get_commands, load_command_class
from django.dispatch import Signal

from realtime import api, checks, signals
from realtime.conf import DEFAULTS, KINDS
from realtime.protocol import decoding, messages
from realtime.protocol import json_limits as values
from realtime.protocol.codes import CloseCode, ErrorCode, is_final
from realtime.protocol.heartbeat import Policy
from realtime.routing import PROBES
from realtime.store.records import (
    Attendance,
    Deliveries,
    Peer,
    Session,
    SessionState,
    Stats,
    SweepReport,
    Totals,
)
from realtime.views import health as health_view
from realtime.views.serializers import as_json
from realtime.worker.admission.handler_queue import MAX_WAITING
from realtime.worker.connections.connection import MAX_MALFORMED

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
SOURCES = sorted((ROOT / "realtime").rglob("*.py"))

ANYWHERE = "\n".join(page.read_text() for page in PAGES)
PROTOCOL = (DOCS / "protocol.md").read_text()
SETTINGS = (DOCS / "settings.md").read_text()
OPERATIONS = (DOCS / "operations.md").read_text()
INTEGRATION = (DOCS / "integration.md").read_text()


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    rest = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in a text, headings and rulers included."""
    lines = (line.strip() for line in text.splitlines())
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]


def named(text: str) -> dict[str, list[str]]:
    """The table rows whose first cell is one name in backticks, by that name."""
    found = {}
    for first, *others in rows(text):
        if name := re.fullmatch(r"`([^`]+)`", first):
            found[name[1]] = others
    return found


def fences(text: str, language: str) -> list[str]:
    """The code blocks of a language, without their indentation."""
    pattern = rf"^( *)```{language}\n(.*?)^\1```"
    found = re.findall(pattern, text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for _, block in found]


def is_told(name: str, text: str) -> bool:
    """Whether the text has this very word."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None


def untold(names: Any, text: str) -> set[str]:
    """Those of the names that the text does not have."""
    return {name for name in names if not is_told(name, text)}


# Links and snippets


def slug(heading: str) -> str:
    """The anchor of a heading, as the usual renderers make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, link


def test_the_readme_leads_to_every_page() -> None:
    more = section((ROOT / "README.md").read_text(), "## More")
    for page in DOCS.glob("*.md"):
        assert f"(docs/{page.name})" in more


PYTHON = [(page, code) for page in PAGES for code in fences(page.read_text(), "python")]


@pytest.mark.parametrize(("page", "code"), PYTHON, ids=lambda value: getattr(value, "name", ""))
def test_python_snippets_compile(page: Path, code: str) -> None:
    compile(code, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def scripts(page: Path) -> list[str]:
    text = page.read_text()
    inline = [
        code
        for block in fences(text, "html")
        for code in re.findall(r'<script type="module">(.*?)</script>', block, re.DOTALL)
    ]
    return [*fences(text, "js"), *fences(text, "javascript"), *map(html.unescape, inline)]


SCRIPTS = [(page, code) for page in PAGES for code in scripts(page)]


@pytest.mark.parametrize(("page", "code"), SCRIPTS, ids=lambda value: getattr(value, "name", ""))
def test_scripts_are_valid(page: Path, code: str, tmp_path: Path) -> None:
    file = tmp_path / f"{page.stem}.mjs"
    file.write_text(code)
    done = subprocess.run(
        ["node", "--check", str(file)], check=False, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


# Settings and checks


def test_every_setting_has_its_row_and_no_other_has() -> None:
    tables = SETTINGS.split("\n## System checks\n")[0]
    assert named(tables).keys() == KINDS.keys()


@pytest.mark.parametrize("key", sorted(DEFAULTS))
def test_defaults_are_the_codes(key: str) -> None:
    told = ast.literal_eval(named(SETTINGS)[key][1].strip("`"))
    default = DEFAULTS[key]
    assert (tuple(told) if isinstance(default, tuple) else told) == default
    assert type(told) is type(default) or isinstance(default, tuple)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_a_page_speaks_of_exist(page: Path) -> None:
    text = page.read_text()
    assert set(re.findall(r"\bREALTIME_([A-Z][A-Z_]+)", text)) <= KINDS.keys()
    for block in re.findall(r"REALTIME = \{(.*?)\}", text, re.DOTALL):
        assert set(re.findall(r'"([A-Z_]+)":', block)) <= KINDS.keys()


def test_the_protocol_speaks_of_settings_that_exist() -> None:
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PROTOCOL)) <= KINDS.keys()


def test_every_check_has_its_row() -> None:
    source = Path(checks.__file__).read_text()
    ids = set(re.findall(r"realtime\.[EW]\d{3}", source))
    ids |= {f"realtime.E{number:03d}" for *_, number in checks._RELATIONS}
    ids |= {f"realtime.W{number:03d}" for *_, number in checks._ADVICE}
    told = {name for name in named(SETTINGS) if re.fullmatch(r"realtime\.[EW]\d+", name)}
    assert told == ids


def test_every_variable_of_the_demo_has_its_row() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "project").rglob("*.py"))
    pattern = r"(?:_switch|_texts|environ\.get)\(\"([A-Z_]+)\""
    variables = set(re.findall(pattern, sources))
    assert "SECRET_KEY" in variables
    assert (
        variables <= named(section(SETTINGS, "## The demo project's environment variables")).keys()
    )


# The protocol


def members(union: UnionType) -> dict[str, type[msgspec.Struct]]:
    return {str(kind.__struct_config__.tag): kind for kind in union.__args__}


SIDES = {
    "## From the client": members(messages.ClientMessage),
    "## From the server": members(messages.ServerMessage),
}
KINDS_OF_FRAMES = [(side, tag) for side, kinds in SIDES.items() for tag in kinds]


def names_of(kind: type[msgspec.Struct], prefix: str = "") -> set[str]:
    """The fields of a message, those of its parts as ``part.field``."""
    found = set()
    for field in msgspec.structs.fields(kind):
        found.add(prefix + field.name)
        for part in getattr(field.type, "__args__", ()):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                found |= names_of(part, f"{prefix}{field.name}.")
    return found


@pytest.mark.parametrize("side", SIDES)
def test_every_message_has_its_heading_and_no_other_has(side: str) -> None:
    told = re.findall(r"^### `(\w+)`$", section(PROTOCOL, side), re.MULTILINE)
    assert sorted(told) == sorted(SIDES[side])


@pytest.mark.parametrize(("side", "tag"), KINDS_OF_FRAMES)
def test_every_field_has_its_row_and_no_other_has(side: str, tag: str) -> None:
    text = section(section(PROTOCOL, side), f"### `{tag}`")
    told = named(text).keys() - {code.value for code in ErrorCode}
    assert told == names_of(SIDES[side][tag])


@pytest.mark.parametrize(("side", "tag"), KINDS_OF_FRAMES)
def test_examples_are_messages_with_every_field(side: str, tag: str) -> None:
    kind = SIDES[side][tag]
    examples = fences(section(section(PROTOCOL, side), f"### `{tag}`"), "json")
    assert examples
    for example in examples:
        plain = json.loads(example)
        assert plain.keys() == {"type", *(f.name for f in msgspec.structs.fields(kind))}
        message = msgspec.json.decode(example, type=kind)
        assert json.loads(messages.encode(message)) == plain  # type: ignore[arg-type]


def test_the_clients_examples_are_what_a_server_takes() -> None:
    for example in fences(section(PROTOCOL, "## From the client"), "json"):
        assert decoding.decode(example, max_size=DEFAULTS["MAX_MESSAGE_SIZE"])


def test_every_error_code_has_its_row() -> None:
    told = named(section(section(PROTOCOL, "## From the server"), "### `error`")).keys()
    assert told - {"code", "detail", "id", "room"} == {code.value for code in ErrorCode}


def closings() -> dict[int, str]:
    table = rows(section(PROTOCOL, "## Closing"))
    return {int(code): client for code, _, client in table if code.isdigit()}


def test_every_close_code_has_its_row() -> None:
    assert {int(code) for code in CloseCode} <= closings().keys()


def test_a_client_stays_away_after_the_final_codes() -> None:
    for code, client in closings().items():
        assert client.startswith("stays away") is is_final(code), code
        assert client.startswith(("stays away", "comes back"))


def test_what_the_protocol_promises_in_numbers() -> None:
    policy = Policy(
        DEFAULTS["PING_INTERVAL"],
        DEFAULTS["PONG_TIMEOUT"],
        DEFAULTS["MAX_MISSED"],
        DEFAULTS["SESSION_TIMEOUT"],
    )
    patience = policy.max_missed * policy.pong_timeout
    interval = policy.ping_interval
    table = {first: last for first, *_, last in rows(section(PROTOCOL, "### With numbers"))}
    assert table["the first ping"] == f"{interval / 2:g} to {interval:g} s"
    closed = f"{patience:g} and {interval + patience:g} s"
    assert table["a silent peer is closed, between"] == closed
    talker = "a peer that talks and never answers is closed"
    assert table[talker] == f"{policy.session_timeout:g} s"
    lost = f"{interval + policy.pong_timeout:g} s"
    assert table["a client calls the server lost"] == lost
    window, sweep = DEFAULTS["RESUME_WINDOW"], DEFAULTS["SWEEP_INTERVAL"]
    assert table["a suspended session ends"] == f"{window:g} to {window + sweep:g} s"


def test_the_limits_are_the_codes() -> None:
    transport = section(PROTOCOL, "## Transport")
    rate, burst = DEFAULTS["MESSAGE_RATE"]
    assert f"| {values.MAX_DEPTH} levels" in transport
    assert f"{rate:g} a second, {burst:g} in a burst" in transport
    rate, burst = DEFAULTS["BYTE_RATE"]
    assert f"{rate:,.0f} a second, {burst:,.0f} in a burst" in transport
    assert f"({DEFAULTS['MAX_MESSAGE_SIZE']:,})" in transport
    assert f"`{messages.SUBPROTOCOL}`" in transport
    assert (values.MAX_INTEGER, MAX_MALFORMED) == (2**53, 10)
    assert f"and {MAX_WAITING} frames already wait" in PROTOCOL


# What operators and application code use


def options(command: BaseCommand) -> set[str]:
    parser, base = command.create_parser("manage.py", "x"), BaseCommand().create_parser("", "x")
    given = {option for action in base._actions for option in action.option_strings}
    return {
        action.option_strings[-1]
        for action in parser._actions
        if action.option_strings
        and action.option_strings[-1] not in given
        and action.help != argparse.SUPPRESS
    }


COMMANDS = sorted(name for name, app in get_commands().items() if app == "realtime")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_told(name: str) -> None:
    command = load_command_class("realtime", name)
    assert options(command)
    assert f"manage.py {name}" in OPERATIONS
    assert untold(options(command), OPERATIONS) == set()


def loggers() -> set[str]:
    found = set()
    for path in SOURCES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name in re.findall(r"getLogger\((.+?)\)", path.read_text()):
            found.add(module if name == "__name__" else ast.literal_eval(name))
    return found


def test_every_logger_has_its_row_and_no_other_has() -> None:
    assert named(section(OPERATIONS, "### Logs")).keys() == loggers()


def health(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The body of the health page, of a registry that was swept."""
    values: dict[str, Any] = {field.name: 0 for field in msgspec.structs.fields(Stats)}
    values |= {"last_sweep": SweepReport(0, 0, 0, 0, 0.0), "deliveries": Deliveries()}
    stats = Stats(**values)

    async def ask() -> Stats:
        return stats

    monkeypatch.setattr(health_view, "_read_stats", ask)
    monkeypatch.setattr(health_view._last, "at", float("-inf"))
    body = asyncio.run(health_view.health_body())
    health_view._last.at = float("-inf")
    return body


def test_every_field_of_the_health_page_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    body = health(monkeypatch)
    told = named(section(OPERATIONS, "### Health"))
    assert body.keys() <= told.keys()
    assert untold(body["totals"], told["totals"][0]) == set()
    assert (
        untold(body["last_sweep"], section(OPERATIONS, "## The sweep") + told["last_sweep"][0])
        == set()
    )


def test_every_probe_is_told() -> None:
    assert named(section(OPERATIONS, "### Probes")).keys() == PROBES.keys()


def test_every_permission_is_told() -> None:
    permissions = {
        f"realtime.{name}"
        for model in apps.get_app_config("realtime").get_models()
        for name in (
            *(f"{verb}_{model._meta.model_name}" for verb in model._meta.default_permissions),
            *(codename for codename, _ in model._meta.permissions),
        )
    }
    assert named(section(OPERATIONS, "## Permissions")).keys() == permissions


def test_every_field_of_a_session_as_json_is_told() -> None:
    session = Session("x", SessionState.CONNECTED, 1, "w", Peer(), 0, 0, 0)
    assert untold(as_json(session), section(OPERATIONS, "### Commands")) == set()


def test_every_signal_has_its_row() -> None:
    there = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert named(section(INTEGRATION, "## Signals")).keys() == there


def test_every_function_of_the_api_is_told() -> None:
    assert untold(api.__all__, section(INTEGRATION, "## The api").replace("(", " ")) == set()


@pytest.mark.parametrize("record", [Session, Peer, Totals, Stats, Deliveries, Attendance])
def test_every_field_of_a_record_is_told(record: Any) -> None:
    names = {field.name for field in msgspec.structs.fields(record)}
    assert untold(names, section(INTEGRATION, "## The api")) == set()


@pytest.mark.django_db(transaction=True)
def test_the_example_of_a_test_passes() -> None:
    [code] = [code for code in fences(INTEGRATION, "python") if "TransactionTestCase" in code]
    names: dict[str, Any] = {}
    exec(compile(code, "integration.md", "exec"), names)
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(names["SocketTests"])
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun == 1
    assert result.errors + result.failures == []


# Unit files

UNITS = sorted((DOCS / "deploy").glob("realtime*"))


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed: only systemd can read its units")
    assert len(UNITS) == 3
    for unit in UNITS:
        text = unit.read_text().replace("/srv/mysite/.venv/bin/python", "/bin/true")
        (tmp_path / unit.name).write_text(text.replace("/srv/mysite", str(tmp_path)))
    command = [tool, "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if "Failed to initialize manager" in done.stderr:
        pytest.skip(f"systemd-analyze cannot run here: {done.stderr.strip()}")
    assert (done.returncode, done.stderr) == (0, "")  # an unknown key is only a complaint


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda u: u.name)
def test_units_call_commands_that_exist(unit: Path) -> None:
    [arguments] = re.findall(r"^ExecStart=\S+ manage\.py (.+)$", unit.read_text(), re.MULTILINE)
    name, *given = arguments.split()
    parser = load_command_class("realtime", name).create_parser("manage.py", name)
    parser.parse_args(given)
