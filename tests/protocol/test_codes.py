"""Close codes against the vectors that also test the browser client."""

import json
from pathlib import Path
from typing import Any

import pytest

from realtime.protocol.codes import CloseCode, ErrorCode, ends_session, is_final, reason_for

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "close_codes.json").read_text())


@pytest.mark.parametrize("row", VECTORS["codes"], ids=lambda row: str(row["code"]))
def test_a_code_is_final_or_not(row: dict[str, Any]) -> None:
    assert is_final(row["code"]) is row["final"]


@pytest.mark.parametrize(
    "row", [row for row in VECTORS["codes"] if "reason" in row], ids=lambda row: str(row["code"])
)
def test_a_code_has_its_reason(row: dict[str, Any]) -> None:
    assert reason_for(row["code"]) == row["reason"] == CloseCode(row["code"]).reason


def test_every_code_is_in_the_vectors() -> None:
    assert set(CloseCode) <= {row["code"] for row in VECTORS["codes"]}


def test_an_application_s_code_has_a_reason() -> None:
    assert reason_for(4700) == "code 4700"


@pytest.mark.parametrize("code", [4500, 4501, 4503, 4504, 4505, 4700, 4999])
def test_a_final_code_ends_the_session(code: int) -> None:
    assert ends_session(code)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 4001, 4002, 4003, 4007, 4008, 4009, 4499, 5000])
def test_every_other_code_leaves_it_suspended(code: int) -> None:
    assert not ends_session(code)


def test_a_session_continued_elsewhere_does_not_end() -> None:
    assert is_final(CloseCode.TAKEN_OVER)
    assert not ends_session(CloseCode.TAKEN_OVER)


def test_reasons_fit_into_a_close_frame() -> None:
    assert all(0 < len(code.reason.encode()) <= 123 for code in CloseCode)


def test_error_codes_are_those_of_the_protocol() -> None:
    assert {code.value for code in ErrorCode} == {
        "invalid_json",
        "invalid_message",
        "unknown_type",
        "not_ready",
        "forbidden",
        "not_joined",
        "too_many_rooms",
        "rate_limited",
        "unavailable",
        "unknown_request",
        "too_many_requests",
        "failed",
    }
