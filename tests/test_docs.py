"""The docs name every setting, code, check, message, signal, option and logger as the code has it.

The tests read the names from the code, so a new one fails here until it is documented.
"""

import argparse
import ast
import asyncio
import html
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
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
from realtime.protocol import decoding, json_limits, messages
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
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
SOURCES = sorted((ROOT / "realtime").rglob("*.py"))

ANYWHERE = "\n".join(page.read_text() for page in PAGES)
PROTOCOL = (DOCS / "protocol.md").read_text()
SETTINGS = (DOCS / "settings.md").read_text()
OPERATIONS = (DOCS / "operations.md").read_text()
INTEGRATION = (DOCS / "integration.md").read_text()


def section(text: str, heading: str) -> str:
    """The text under a heading, up to the next heading of its level or above."""
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


def rows_by_name(text: str) -> dict[str, list[str]]:
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


def missing(names: Any, text: str) -> set[str]:
    """The names that the text does not have as whole words."""
    return {
        name for name in names if not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text)
    }


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
    assert rows_by_name(tables).keys() == KINDS.keys()


@pytest.mark.parametrize("key", sorted(DEFAULTS))
def test_the_defaults_are_those_of_the_code(key: str) -> None:
    documented = ast.literal_eval(rows_by_name(SETTINGS)[key][1].strip("`"))
    default = DEFAULTS[key]
    assert (tuple(documented) if isinstance(default, tuple) else documented) == default
    assert type(documented) is type(default) or isinstance(default, tuple)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_settings_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    assert set(re.findall(r"\bREALTIME_([A-Z][A-Z_]+)", text)) <= KINDS.keys()
    for block in re.findall(r"REALTIME = \{(.*?)\}", text, re.DOTALL):
        assert set(re.findall(r'"([A-Z_]+)":', block)) <= KINDS.keys()


def test_the_settings_that_the_protocol_names_exist() -> None:
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PROTOCOL)) <= KINDS.keys()


def test_every_check_has_its_row() -> None:
    source = Path(checks.__file__).read_text()
    ids = set(re.findall(r"realtime\.[EW]\d{3}", source))
    ids |= {f"realtime.E{number:03d}" for *_, number in checks._RELATIONS}
    ids |= {f"realtime.W{number:03d}" for *_, number in checks._ADVICE}
    documented = {
        name for name in rows_by_name(SETTINGS) if re.fullmatch(r"realtime\.[EW]\d+", name)
    }
    assert documented == ids


def test_every_variable_of_the_demo_has_its_row() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "project").rglob("*.py"))
    pattern = r"(?:_switch|_texts|environ\.get)\(\"([A-Z_]+)\""
    variables = set(re.findall(pattern, sources))
    assert "SECRET_KEY" in variables
    assert (
        variables
        <= rows_by_name(section(SETTINGS, "## The demo project's environment variables")).keys()
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
        found.add(prefix + field.encode_name)
        for part in getattr(field.type, "__args__", ()):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                found |= names_of(part, f"{prefix}{field.encode_name}.")
    return found


@pytest.mark.parametrize("side", SIDES)
def test_every_message_has_its_heading_and_no_other_has(side: str) -> None:
    documented = re.findall(r"^### `(\w+)`$", section(PROTOCOL, side), re.MULTILINE)
    assert sorted(documented) == sorted(SIDES[side])


@pytest.mark.parametrize(("side", "tag"), KINDS_OF_FRAMES)
def test_every_field_has_its_row_and_no_other_has(side: str, tag: str) -> None:
    text = section(section(PROTOCOL, side), f"### `{tag}`")
    documented = rows_by_name(text).keys() - {code.value for code in ErrorCode}
    assert documented == names_of(SIDES[side][tag])


@pytest.mark.parametrize(("side", "tag"), KINDS_OF_FRAMES)
def test_examples_are_messages_with_every_field(side: str, tag: str) -> None:
    kind = SIDES[side][tag]
    examples = fences(section(section(PROTOCOL, side), f"### `{tag}`"), "json")
    names: set[str] = set()
    for example in examples:
        plain = json.loads(example)
        names |= plain.keys()
        message = msgspec.json.decode(example, type=kind)
        encoded = json.loads(messages.encode(message))  # type: ignore[arg-type]
        assert {name: value for name, value in encoded.items() if value is not None} == plain
    assert names == {"type", *(f.encode_name for f in msgspec.structs.fields(kind))}


def test_the_server_accepts_the_examples_of_client_messages() -> None:
    for example in fences(section(PROTOCOL, "## From the client"), "json"):
        assert decoding.decode(example, max_size=DEFAULTS["MAX_MESSAGE_SIZE"])


def test_every_error_code_has_its_row() -> None:
    documented = rows_by_name(
        section(section(PROTOCOL, "## From the server"), "### `error`")
    ).keys()
    assert documented - {"code", "detail", "id", "room"} == {code.value for code in ErrorCode}


def closings() -> dict[int, str]:
    table = rows(section(PROTOCOL, "## Closing"))
    return {int(code): client for code, _, client in table if code.isdigit()}


def test_every_close_code_has_its_row() -> None:
    assert {int(code) for code in CloseCode} <= closings().keys()


def test_a_client_stays_away_after_the_final_codes() -> None:
    for code, client in closings().items():
        assert client.startswith("stays away") is is_final(code), code
        assert client.startswith(("stays away", "comes back"))


def test_the_numbers_of_the_protocol_follow_from_the_defaults() -> None:
    policy = Policy(
        DEFAULTS["PING_INTERVAL"],
        DEFAULTS["PONG_TIMEOUT"],
        DEFAULTS["MAX_MISSED"],
        DEFAULTS["SESSION_TIMEOUT"],
    )
    silence = policy.max_missed * policy.pong_timeout
    interval = policy.ping_interval
    table = {first: last for first, *_, last in rows(section(PROTOCOL, "### With numbers"))}
    assert table["the first ping"] == f"{interval / 2:g} to {interval:g} s"
    closed = f"{silence:g} and {interval + silence:g} s"
    assert table["a silent peer is closed, between"] == closed
    talker = "a peer that talks and never answers is closed"
    assert table[talker] == f"{policy.session_timeout:g} s"
    lost = f"{interval + policy.pong_timeout:g} s"
    assert table["a client calls the server lost"] == lost
    window, sweep = DEFAULTS["RESUME_WINDOW"], DEFAULTS["SWEEP_INTERVAL"]
    assert table["a suspended session ends"] == f"{window:g} to {window + sweep:g} s"


def test_the_limits_are_those_of_the_code() -> None:
    transport = section(PROTOCOL, "## Transport")
    rate, burst = DEFAULTS["MESSAGE_RATE"]
    assert f"| {json_limits.MAX_DEPTH} levels" in transport
    assert f"{rate:g} a second, {burst:g} in a burst" in transport
    rate, burst = DEFAULTS["BYTE_RATE"]
    assert f"{rate:,.0f} a second, {burst:,.0f} in a burst" in transport
    assert f"({DEFAULTS['MAX_MESSAGE_SIZE']:,})" in transport
    assert f"`{messages.SUBPROTOCOL}`" in transport
    assert (json_limits.MAX_INTEGER, MAX_MALFORMED) == (2**53, 10)
    assert f"and {MAX_WAITING} frames already wait" in PROTOCOL


# Names for operators and application code


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
def test_every_option_of_a_command_is_documented(name: str) -> None:
    command = load_command_class("realtime", name)
    assert options(command)
    assert f"manage.py {name}" in OPERATIONS
    assert missing(options(command), OPERATIONS) == set()


def loggers() -> set[str]:
    found = set()
    for path in SOURCES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name in re.findall(r"getLogger\((.+?)\)", path.read_text()):
            found.add(module if name == "__name__" else ast.literal_eval(name))
    return found


def test_every_logger_has_its_row_and_no_other_has() -> None:
    assert rows_by_name(section(OPERATIONS, "### Logs")).keys() == loggers()


def health(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The body of the health page for a registry with a sweep."""
    values: dict[str, Any] = {field.name: 0 for field in msgspec.structs.fields(Stats)}
    values |= {"last_sweep": SweepReport(0, 0, 0, 0, 0.0), "deliveries": Deliveries()}
    stats = Stats(**values)

    async def read_stats() -> Stats:
        return stats

    monkeypatch.setattr(health_view, "_read_stats", read_stats)
    monkeypatch.setattr(health_view._last, "at", float("-inf"))
    body = asyncio.run(health_view.health_body())
    health_view._last.at = float("-inf")
    return body


def test_every_field_of_the_health_page_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    body = health(monkeypatch)
    documented = rows_by_name(section(OPERATIONS, "### Health"))
    assert body.keys() <= documented.keys()
    assert missing(body["totals"], documented["totals"][0]) == set()
    assert (
        missing(
            body["last_sweep"], section(OPERATIONS, "## The sweep") + documented["last_sweep"][0]
        )
        == set()
    )


def test_every_probe_is_documented() -> None:
    assert rows_by_name(section(OPERATIONS, "### Probes")).keys() == PROBES.keys()


def test_every_permission_is_documented() -> None:
    permissions = {
        f"realtime.{name}"
        for model in apps.get_app_config("realtime").get_models()
        for name in (
            *(f"{verb}_{model._meta.model_name}" for verb in model._meta.default_permissions),
            *(codename for codename, _ in model._meta.permissions),
        )
    }
    assert rows_by_name(section(OPERATIONS, "## Permissions")).keys() == permissions


def test_every_field_of_a_session_as_json_is_documented() -> None:
    session = Session("x", SessionState.CONNECTED, 1, "w", Peer(), 0, 0, 0)
    assert missing(as_json(session), section(OPERATIONS, "### Commands")) == set()


def test_every_signal_has_its_row() -> None:
    in_code = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert rows_by_name(section(INTEGRATION, "## Signals")).keys() == in_code


def test_every_function_of_the_api_is_documented() -> None:
    assert missing(api.__all__, section(INTEGRATION, "## The api").replace("(", " ")) == set()


@pytest.mark.parametrize("name", sorted(filter(str.islower, api.__all__)))
def test_the_signatures_of_the_api_are_those_of_the_code(name: str) -> None:
    """With defaults, and with what is keyword-only; an async twin has those of its function."""
    table = section(INTEGRATION, "## The api")
    documented = dict(re.findall(r"^\| `(\w+)(\(.*?\))`", table, re.MULTILINE))
    signature = inspect.signature(getattr(api, name))
    bare = [
        each.replace(annotation=each.empty, default=getattr(each.default, "value", each.default))
        for each in signature.parameters.values()
    ]
    shown = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    assert documented[name if name in documented else name[1:]] == shown.replace("'", '"')


@pytest.mark.parametrize("record", [Session, Peer, Totals, Stats, Deliveries, Attendance])
def test_every_field_of_a_record_is_documented(record: Any) -> None:
    names = {field.name for field in msgspec.structs.fields(record)}
    assert missing(names, section(INTEGRATION, "## The api")) == set()


@pytest.mark.django_db(transaction=True)
def test_the_example_of_test_cases_passes() -> None:
    [code] = [code for code in fences(INTEGRATION, "python") if "TransactionTestCase" in code]
    names: dict[str, Any] = {}
    exec(compile(code, "integration.md", "exec"), names)
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    suite = unittest.TestSuite([load(names["SocketTests"]), load(names["PublishingTests"])])
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun == 3
    assert result.errors + result.failures == []


def test_the_example_of_a_test_with_pytest_passes(tmp_path: Path) -> None:
    [code] = [code for code in fences(INTEGRATION, "python") if "realtime_connect" in code]
    (tmp_path / "test_example.py").write_text(code)
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["realtime.testing.plugin"]')
    options = f"-q --ds tests.settings --rootdir {tmp_path} -c {os.devnull} -o asyncio_mode=auto"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), str(tmp_path)],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(DOCS.parent)},
        capture_output=True,
        text=True,
    )
    assert "3 passed" in done.stdout, done.stdout


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
    assert (done.returncode, done.stderr) == (0, "")  # it only warns of an unknown key


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda u: u.name)
def test_units_call_commands_that_exist(unit: Path) -> None:
    [arguments] = re.findall(r"^ExecStart=\S+ manage\.py (.+)$", unit.read_text(), re.MULTILINE)
    name, *given = arguments.split()
    parser = load_command_class("realtime", name).create_parser("manage.py", name)
    parser.parse_args(given)
