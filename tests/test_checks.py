"""The system checks: errors, and some advice."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from django.core import checks
from django.core.checks import CheckMessage
from django.db import connections
from django.test import override_settings

from realtime.checks import check_channel_layer, check_database, check_settings
from realtime.conf import DEFAULTS, MAY_BE_ZERO, MESSAGE_OVERHEAD, load
from realtime.protocol.base import MAX_HELLO_ROOMS, MAX_HELLO_SIZE
from realtime.protocol.decoding import decode
from realtime.protocol.messages import Hello, RoomMessage


def found(values: Any) -> list[CheckMessage]:
    with override_settings(REALTIME=values):
        return check_settings()


def ids(messages: Iterable[CheckMessage]) -> set[str]:
    return {str(message.id).removeprefix("realtime.") for message in messages}


def test_the_defaults_give_none() -> None:
    assert found({}) == []


def test_the_defaults_written_out_give_none() -> None:
    assert found(dict(DEFAULTS)) == []


@override_settings(REALTIME={"PING_INTERVALL": 5})
def test_django_runs_them() -> None:
    assert "realtime.E001" in {message.id for message in checks.run_checks()}


def test_an_unknown_key_names_the_known_ones() -> None:
    (message,) = found({"PING_INTERVALL": 5})
    assert ids([message]) == {"E001"}
    assert '"PING_INTERVALL"' in message.msg
    assert "PING_INTERVAL," in str(message.hint)


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"PING_INTERVAL": "25"}, "a number of seconds"),
        ({"PING_INTERVAL": float("nan")}, "a number of seconds"),
        ({"SESSION_TIMEOUT": float("inf")}, "a number of seconds"),
        ({"MAX_MISSED": 2.5}, "a whole number"),
        ({"MAX_MISSED": True}, "a whole number"),
        ({"ALLOW_ANONYMOUS": "yes"}, "True or False"),
        ({"ALLOWED_ORIGINS": "https://a.com"}, "a list of strings"),
        ({"TRUSTED_PROXIES": ["proxy"]}, "a list of addresses"),
        ({"MESSAGE_RATE": (1, 2, 3)}, "two numbers"),
        ({"MAX_SESSIONS_PER_USER": "2"}, "a whole number"),
        ({"SESSION_LIMIT": "newest"}, '"reject" or "oldest"'),
        ({"SESSION_LIMIT": None}, '"reject" or "oldest"'),
        ({"HEALTH_DETAILS": "admin"}, '"public" or "staff"'),
        ({"STORE": 5}, '"database"'),
        ({"STORE": "redis"}, '"database:<alias>"'),
        ({"STORE": "redis://:secret@host/first"}, '"redis://localhost:6379/0"'),
        ({"REDIS_PREFIX": ""}, "1 to 50 of the characters"),
    ],
)
def test_a_wrong_type_says_what_is_expected(values: dict[str, Any], hint: str) -> None:
    (message,) = found(values)
    assert ids([message]) == {"E002"}
    assert hint in str(message.hint)


def test_realtime_itself_must_be_a_dict() -> None:
    assert ids(found(["PING_INTERVAL"])) == {"E002"}


NUMBERS = [key for key, value in DEFAULTS.items() if type(value) in (int, float)]


@pytest.mark.parametrize("key", NUMBERS)
def test_no_number_may_be_negative(key: str) -> None:
    (message,) = found({key: -1})
    assert ids([message]) == {"E003"}
    assert f'"{key}"' in message.msg


@pytest.mark.parametrize("key", NUMBERS)
def test_few_numbers_may_be_zero(key: str) -> None:
    assert ids(found({key: 0})) == (set() if key in MAY_BE_ZERO else {"E003"})


@pytest.mark.parametrize("key", ["MESSAGE_RATE", "BYTE_RATE"])
@pytest.mark.parametrize("rate", [(0, 400), (100, 0), (-1, 400)])
def test_a_rate_must_be_above_zero(key: str, rate: tuple[float, float]) -> None:
    assert ids(found({key: rate})) == {"E003"}


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({}, 270_336),
        ({"MAX_PUBLICATION": 269_936}, 270_336),
        ({"MAX_PUBLICATION": 300_000}, 300_400),
    ],
)
def test_the_message_size_follows_from_the_largest_publication(
    values: dict[str, Any], size: int
) -> None:
    assert found(values) == []
    with override_settings(REALTIME=values):
        assert load().max_message_size == size


def test_a_configured_message_size_must_fit_a_hello() -> None:
    (message,) = found({"MAX_ROOMS": 999, "MAX_MESSAGE_SIZE": 270_335})
    assert ids([message]) == {"E008"}
    assert found({"MAX_ROOMS": 999, "MAX_MESSAGE_SIZE": 270_336}) == []


# Too little or too much, the least that will do, and what the hint says.
RELATIONS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "E004": ({"SESSION_TIMEOUT": 54.9}, {"SESSION_TIMEOUT": 55}, "= 55 s"),
    "E005": ({"LOG_TTL": 120}, {"LOG_TTL": 121}, "above 120 s"),
    "E006": ({"LOG_META_TTL": 300}, {"LOG_META_TTL": 301}, "above 300 s"),
    "E007": ({"LOG_BYTES": 65_535}, {"LOG_BYTES": 65_536}, "65536 or more"),
    "E008": ({"MAX_MESSAGE_SIZE": 65_935}, {"MAX_MESSAGE_SIZE": 65_936}, "least 65936 bytes"),
    "E009": ({"MAX_ROOMS": 1000}, {"MAX_ROOMS": 999}, "below 1000"),
    "E010": ({"MAX_PUBLICATION": 524_289}, {"MAX_PUBLICATION": 524_288}, "524288 or less"),
    "E011": ({"BYTE_RATE": (1, 270_335)}, {"BYTE_RATE": (1, 270_336)}, "270336 or more"),
    "E012": ({"MESSAGE_RATE": (9, 0.9)}, {"MESSAGE_RATE": (0.1, 1)}, "1 or more"),
    "E015": ({"NEW_ROOM_RATE": (9, 0.9)}, {"NEW_ROOM_RATE": (0.1, 1)}, "1 or more"),
}


@pytest.mark.parametrize("id_", RELATIONS)
def test_settings_must_go_together(id_: str) -> None:
    wrong, right, hint = RELATIONS[id_]
    (message,) = found(wrong)
    assert ids([message]) == {id_}
    assert message.level == checks.ERROR
    assert hint in str(message.hint)
    assert found(right) == []


@pytest.mark.parametrize(("store", "found"), [("database:live", {"E014"}), ("database", set())])
def test_the_database_commits_by_itself(
    monkeypatch: pytest.MonkeyPatch, store: str, found: set[str]
) -> None:
    database = {**connections.settings["default"], "AUTOCOMMIT": False}
    monkeypatch.setitem(connections.settings, "live", database)
    with override_settings(REALTIME={"STORE": store}):
        assert ids(check_database()) == found


def test_the_largest_message_fits_a_frame() -> None:
    """As the browser's client writes it."""
    longest = RoomMessage(id=2**53, room="r" * 100, data=0, key="k" * 64)
    around = len(json.dumps({"type": "message", **msgspec.structs.asdict(longest)})) - 1
    assert around <= MESSAGE_OVERHEAD


@pytest.mark.parametrize("separators", [(",", ":"), None])
def test_the_largest_hello_fits_a_frame(separators: tuple[str, str] | None) -> None:
    position = {"epoch": "e" * 100, "offset": 2**53}
    hello = {
        "type": "hello",
        "protocol": 1,
        "client": "\U0001f600" * 100,
        "resume": {"session": "s" * 64, "token": "t" * 64, "turn": 2**53},
        "rooms": {f"{number:0100d}": position for number in range(MAX_HELLO_ROOMS)},
        "visibility": "visible",
    }
    text = json.dumps(hello, separators=separators, ensure_ascii=False)
    assert isinstance(decode(text, max_size=MAX_HELLO_SIZE), Hello)


def test_relations_wait_until_every_value_is_sound() -> None:
    assert ids(found({"SESSION_TIMEOUT": 1, "LEASE": -1})) == {"E003"}


def test_several_mistakes_are_reported_at_once() -> None:
    assert ids(found({"X": 1, "LEASE": "x", "RESUME_WINDOW": -1})) == {"E001", "E002", "E003"}


ADVICE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "W001": ({"LEASE": 2.9}, {"LEASE": 3.0}),
    "W002": ({"RESUME_WINDOW": 14}, {"RESUME_WINDOW": 15}),
    "W003": ({"PING_INTERVAL": 56}, {"PING_INTERVAL": 55}),
    "W004": ({"PONG_TIMEOUT": 26, "SESSION_TIMEOUT": 200}, {"PONG_TIMEOUT": 21.5}),
    "W005": ({"ALLOWED_ORIGINS": ["*"]}, {"ALLOWED_ORIGINS": ["https://*.example.com"]}),
    "W006": ({"CLAIM_TIMEOUT": 3.9}, {"CLAIM_TIMEOUT": 4}),
}


@pytest.mark.parametrize(("id_", "values"), [(id_, case[0]) for id_, case in ADVICE.items()])
def test_advice_is_a_warning_with_a_hint(id_: str, values: dict[str, Any]) -> None:
    (message,) = found({"SESSION_TIMEOUT": 100, **values})
    assert ids([message]) == {id_}
    assert message.level == checks.WARNING
    assert message.hint


@pytest.mark.parametrize("values", [case[1] for case in ADVICE.values()], ids=ADVICE)
def test_at_the_limit_there_is_no_advice(values: dict[str, Any]) -> None:
    assert found({"SESSION_TIMEOUT": 100, **values}) == []


@pytest.mark.parametrize(
    "entry", ["https://a.com/", "a.com", "https://a.com/path", "https://a.*.com", "wss://a.com"]
)
def test_an_origin_that_can_never_match_is_named(entry: str) -> None:
    sound = ["https://a.com", "https://*.a.com", "capacitor://localhost", "file://", "null"]
    (message,) = found({"ALLOWED_ORIGINS": [*sound, entry]})
    assert ids([message]) == {"W009"}
    assert f'"{entry}"' in message.msg
    assert found({"ALLOWED_ORIGINS": sound}) == []


def test_no_other_errors_exist() -> None:
    bad: list[dict[str, Any]] = [
        {"X": 1},
        {"LEASE": "x"},
        {"STORE": "redis"},
        {"LEASE": -1},
    ]
    bad += [wrong for wrong, _, _ in RELATIONS.values()]
    bad += [values for values, _ in ADVICE.values()]
    errors = [m for values in bad for m in found(values) if m.level >= checks.ERROR]
    assert ids(errors) == {"E001", "E002", "E003", *RELATIONS}


# The database


@pytest.mark.parametrize(
    ("vendor", "store", "expected"),
    [
        ("mysql", "database", "redis://"),
        ("mysql", "redis://localhost", ""),
        ("oracle", "database", "MySQL or MariaDB"),
        ("oracle", "redis://localhost", "MySQL or MariaDB"),
        ("microsoft", "database", "MySQL or MariaDB"),
        ("postgresql", "database", ""),
        ("sqlite", "database", ""),
    ],
)
def test_a_database_of_the_wrong_vendor_is_an_error(
    monkeypatch: pytest.MonkeyPatch, vendor: str, store: str, expected: str
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", vendor)
    with override_settings(REALTIME={"STORE": store}):
        messages = check_database()
    assert ids(messages) == ({"E013"} if expected else set())
    assert all(expected in str(message.hint) for message in messages)


# The channel layer

REDIS = "redis://localhost:6379/0"
MEMORY = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
PUBSUB = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}


def core(*hosts: Any) -> dict[str, Any]:
    config = {"hosts": list(hosts)} if hosts else {}
    return {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}


def advised(layer: dict[str, Any] | None, store: str = "database") -> set[str]:
    layers = {} if layer is None else {"default": layer}
    with override_settings(CHANNEL_LAYERS=layers, REALTIME={"STORE": store}):
        return ids(check_channel_layer())


@pytest.mark.parametrize("layer", [None, MEMORY])
def test_a_redis_store_needs_a_layer_that_leaves_the_process(
    layer: dict[str, Any] | None,
) -> None:
    assert advised(layer, REDIS) == {"W007"}
    assert advised(layer) == set()
    assert advised(PUBSUB, REDIS) == set()


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        (REDIS,),
        (("localhost", 6379),),
        ({"address": REDIS, "socket_timeout": 5},),
        ({"host": "localhost"},),
        ({"address": REDIS, "socket_timeout": None}, REDIS),
        ({"address": f"{REDIS}?socket_timeout=2", "socket_timeout": None},),
    ],
    ids=repr,
)
def test_a_layer_with_a_short_socket_timeout_is_warned_about(hosts: tuple[Any, ...]) -> None:
    assert advised(core(*hosts)) == {"W008"}


@pytest.mark.parametrize(
    "host",
    [
        {"address": REDIS, "socket_timeout": None},
        {"address": REDIS, "socket_timeout": 30},
        {"host": "localhost", "port": 6379, "socket_timeout": 5.5},
        f"{REDIS}?socket_timeout=30",
    ],
    ids=repr,
)
def test_a_layer_with_a_long_socket_timeout_is_fine(host: Any) -> None:
    assert advised(core(host)) == set()


@override_settings(CHANNEL_LAYERS={"default": MEMORY}, REALTIME={"STORE": REDIS})
def test_django_runs_these_as_well() -> None:
    assert "realtime.W007" in {message.id for message in checks.run_checks()}
