"""``manage.py publish``."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from realtime import composition

pytestmark = pytest.mark.django_db(transaction=True)


def publish(*arguments: str) -> str:
    out = StringIO()
    call_command("publish", *arguments, stdout=out)
    return out.getvalue()


def data() -> Iterator[Any]:
    extract = composition.blocking_store().log.read("r", after=0, limit=10, max_bytes=10_000)
    return (json.loads(entry.data) for entry in extract.entries)


def test_it_appends_to_the_log_and_prints_the_position() -> None:
    publish("r", "1")
    told = publish("r", '{"text": "grüße"}')
    end = composition.blocking_store().log.ends(["r"])["r"].top
    assert told == f"r: offset 2, epoch {end.epoch}\n"
    assert list(data()) == [1, {"text": "grüße"}]


def test_a_repeat_with_the_same_key_has_no_effect() -> None:
    assert publish("r", "1", "--key", "k") == publish("r", "1", "--key", "k")
    assert list(data()) == [1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("a b", "1"), "expected a room"),
        (("r", "{"), "expected JSON"),
        (("r", "NaN"), "expected data that JSON can express"),
        (("r", "1", "--key", ""), "expected a key"),
        (("r", json.dumps("x" * 70_000)), "MAX_PUBLICATION"),
        (("r", "[" * 100_000), "expected JSON"),
    ],
)
def test_a_mistake_is_an_error(arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(CommandError, match=text):
        publish(*arguments)
    assert list(data()) == []


def test_an_unreachable_store_is_an_error() -> None:
    with (
        override_settings(REALTIME={"STORE": "redis://127.0.0.1:1/0"}),
        pytest.raises(CommandError, match=r"the store is unreachable: .* is unknown"),
    ):
        publish("r", "1")
