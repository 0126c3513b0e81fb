"""Limits of JSON, checked without building values."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.protocol.json_limits import MAX_DEPTH, MAX_INTEGER, BadValue, check_json


def allowed(text: str) -> bool:
    try:
        check_json(text)
    except BadValue:
        return False
    return True


def children(value: Any) -> list[Any]:
    return [*value.values()] if isinstance(value, dict) else value


def sound(value: Any, levels: int = MAX_DEPTH) -> bool:
    """The same, value by value."""
    if isinstance(value, dict | list):
        return levels > 0 and all(sound(child, levels - 1) for child in children(value))
    return type(value) is not int or abs(value) <= MAX_INTEGER


def wrapped(value: Any, levels: int) -> Any:
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


EDGE = st.integers(MAX_INTEGER - 3, MAX_INTEGER + 3)
NUMBERS = (
    st.integers() | EDGE | EDGE.map(lambda n: -n) | st.floats(allow_nan=False, allow_infinity=False)
)
# Strings that look like structure, numbers and the ends of strings.
TEXTS = st.text(st.sampled_from('[]{}"\\,:0123456789-.e\né')) | st.just("9" * 20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=60,
)


@given(VALUES, st.integers(0, MAX_DEPTH + 2), st.booleans(), st.booleans())
@example("\n", MAX_DEPTH + 1, False, True)
@example('\\"[', MAX_DEPTH, False, True)
@example(["\\", "[", "\\\\", '"', MAX_INTEGER + 1], 1, False, True)
def test_the_check_agrees_with_a_walk_of_the_values(
    value: Any, levels: int, ascii_: bool, blanks: bool
) -> None:
    whole = wrapped(value, levels)
    text = json.dumps(whole, ensure_ascii=ascii_, indent=1 if blanks else None)
    assert allowed(text) is sound(whole)


@pytest.mark.parametrize("size", [31, 32, 33, 1000])
def test_the_width_does_not_matter(size: int) -> None:
    assert allowed(json.dumps([[]] * size))
    assert allowed(json.dumps([{"a": []}] * size))
    assert allowed(json.dumps(["[" * 40, '"]['] * size))


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("9007199254740992", True), ("-9007199254740992", True),
        ("9007199254740993", False), ("-9007199254740993", False),
        ("9" * 16, False), ("1" + "0" * 16, False), ("9" * 5000, False), ("-" + "9" * 5000, False),
        ("9007199254740993.5", True), ("9007199254740993e0", True), ("9007199254740993E+2", True),
        ("0.9007199254740993", True), ("1e-9007199254740993", True),
        ("-1.5e9007199254740993", True), ("1234567890123456", True),
    ],
)  # fmt: skip
def test_only_integers_have_a_range(number: str, right: bool) -> None:
    for text in (f"[{number}]", f'{{"a":{number}}}', f'["1",{number} ,"9999999999999999"]'):
        assert allowed(text) is right
    assert allowed(f'["{number}"]')
