"""The page "Troubleshooting by symptom" quotes messages and reasons as the code has them."""

import logging
import re
from pathlib import Path

import pytest

from realtime.consumers.gate import _refusal_of as refusal_of
from realtime.protocol.codes import REASONS, CloseCode
from realtime.protocol.messages import SUBPROTOCOL
from realtime.worker.admission.refusals import LEVELS, Reason
from tests.test_docs import fences, loggers, rows, section
from tests.word_list import tracked

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/troubleshooting.md").read_text()
# Texts of the code, with implicitly concatenated literals joined and placeholders as "…".
SOURCE = "".join(path.read_text() for path in tracked(["realtime/*.py", "realtime/js/*.js"]))
TEXTS = re.sub(r"\{[^{}\n]*\}|%(?:\.1f|d|s)", "…", re.sub(r'"\s*(?:\+\s*)?f?"(?=\S)', "", SOURCE))
LINES = [line for block in fences(PAGE, "text") for line in block.splitlines()]


def fragments(message: str) -> list[str]:
    """The parts of a message between its placeholders; numbers are placeholders."""
    parts = re.split(r"…|\b\d+(?:\.\d+)?\b", message)
    return [part.strip(" :()") for part in parts if part.strip(" :()")]


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_log_is_one_that_the_code_writes(line: str) -> None:
    found = re.fullmatch(r"(INFO|WARNING|ERROR) ([\w.]+): (.+)", line)
    assert found, line
    level, logger, message = found.groups()
    assert logger in loggers()
    if refused := re.match(r"connections are refused(?: no more)?, (\w+): ", message):
        reason = Reason(refused[1])
        levels = {LEVELS[reason], min(LEVELS[reason], logging.WARNING)}
        assert logging.getLevelName(level) in levels
        message = message[refused.end() :]
        if "no more" in refused[0]:
            message = message.replace("were, in", "… were, in")
    if logger == "realtime.sessions":
        assert re.search(r"suspended: 1006 connection lost|resumed", message)
        return
    message = message.replace(SUBPROTOCOL, "…")
    for fragment in fragments(message):
        assert fragment in TEXTS or fragment in REASONS.values(), fragment


def test_the_causes_of_a_403_are_those_of_the_code() -> None:
    scope = {"headers": [(b"host", b"a"), (b"origin", b"https://b")], "subprotocols": []}
    reason, cause = refusal_of(scope) or ("", "")
    assert f"{reason}: {cause.replace('https://b', '…')}" in PAGE
    reason, cause = refusal_of({"subprotocols": ["x"]}) or ("", "")
    assert f"{reason}: {cause.partition(', not')[0]}, not …" in PAGE


def test_every_code_stands_with_its_reason() -> None:
    named = re.findall(r"\b(4\d{3}) \(`([^`]+)`\)", PAGE)
    table = {
        code: reason.strip("`")
        for code, reason, *_ in rows(section(PAGE, "## It ends with a code"))
        if code.isdigit()
    }
    assert len(named) > 5
    for code, reason in [*named, *((c, r) for c, r in table.items() if r)]:
        assert CloseCode(int(code)).reason == reason


def test_the_other_quoted_messages_are_in_the_code() -> None:
    quoted = [cells[0] for cells in rows(section(PAGE, "## `serve` does not start"))[2:]]
    quoted += re.findall(r"`(forbidden by [^`]+|this worker stood [^`]+)`", PAGE)
    for message in quoted[:3] + quoted[-2:]:
        text = message.strip("`").replace("uvicorn cannot", "… cannot")
        text = text.replace("port 8000 on 127.0.0.1 is", "port … on … is")
        for fragment in fragments(text):
            assert fragment in TEXTS, fragment
