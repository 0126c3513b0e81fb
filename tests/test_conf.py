"""The settings: read from the environment, from REALTIME, and again after a change."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from realtime.conf import DEFAULTS, KINDS, MAY_BE_ZERO, Settings, from_environ, load, settings

READ = {
    "seconds": ("PING_INTERVAL", "2.5", 2.5),
    "whole seconds": ("PING_INTERVAL", "2", 2.0),
    "days": ("HISTORY_DAYS", "0.5", 0.5),
    "a whole number": ("MAX_MISSED", "5", 5),
    "a switch, 1": ("ALLOW_ANONYMOUS", "1", True),
    "a switch, true": ("ALLOW_ANONYMOUS", " True ", True),
    "a switch, yes": ("ALLOW_ANONYMOUS", "YES", True),
    "a switch, 0": ("ALLOW_ANONYMOUS", "0", False),
    "a switch, false": ("ALLOW_ANONYMOUS", "False", False),
    "a switch, no": ("ALLOW_ANONYMOUS", "no", False),
    "a limit": ("SESSION_LIMIT", "oldest", "oldest"),
    "a text": ("STORE", "database:other", "database:other"),
    "texts": ("ALLOWED_ORIGINS", "https://a.com, https://b.com,", ["https://a.com", "https://b.com"]),
    "no texts": ("ALLOWED_ORIGINS", "", []),
    "proxies": ("TRUSTED_PROXIES", "10.0.0.0/8,unix", ["10.0.0.0/8", "unix"]),
    "a rate": ("MESSAGE_RATE", "10,40", (10.0, 40.0)),
}  # fmt: skip


@pytest.mark.parametrize(("key", "text", "value"), READ.values(), ids=READ)
def test_a_variable_is_read_by_its_kind(key: str, text: str, value: Any) -> None:
    read = from_environ({f"REALTIME_{key}": text})
    assert read == {key: value}
    assert type(read[key]) is type(value)
    assert KINDS[key].accepts(read[key])


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("PING_INTERVAL", "soon"),
        ("PING_INTERVAL", ""),
        ("HISTORY_DAYS", "30d"),
        ("MAX_MISSED", "2.5"),
        ("ALLOW_ANONYMOUS", "maybe"),
        ("ALLOW_ANONYMOUS", ""),
        ("MESSAGE_RATE", "fast"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_its_variable(key: str, text: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        from_environ({f"REALTIME_{key}": text})
    assert str(caught.value).startswith(f"REALTIME_{key}: expected {KINDS[key].expected}")
    assert f'got "{text}"' in str(caught.value)


def test_an_unknown_key_is_kept_so_that_the_check_can_name_it() -> None:
    assert from_environ({"REALTIME_PING_INTERVALL": "2"}) == {"PING_INTERVALL": "2"}


def test_other_variables_are_not_read() -> None:
    assert from_environ({"PING_INTERVAL": "2", "XREALTIME_LEASE": "3", "PATH": "/bin"}) == {}


def test_the_documented_defaults() -> None:
    documented = {
        "PING_INTERVAL": 25.0,
        "PONG_TIMEOUT": 10.0,
        "MAX_MISSED": 3,
        "SESSION_TIMEOUT": 90.0,
        "HELLO_TIMEOUT": 10.0,
        "RESUME_WINDOW": 120.0,
        "LEASE": 15.0,
        "FLUSH_INTERVAL": 1.0,
        "SWEEP_INTERVAL": 30.0,
        "HISTORY_DAYS": 30,
        "MAX_MESSAGE_SIZE": 270_336,
        "MESSAGE_RATE": (100.0, 400.0),
        "BYTE_RATE": (1_048_576.0, 16_777_216.0),
        "MAX_SESSIONS_PER_USER": 0,
        "SESSION_LIMIT": "reject",
        "ALLOW_ANONYMOUS": False,
        "ALLOWED_ORIGINS": (),
        "DRAIN_DELAY": 0.0,
    }
    assert documented.items() <= DEFAULTS.items()


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_default_is_of_its_own_kind(key: str) -> None:
    assert KINDS[key].accepts(DEFAULTS[key])


def test_few_settings_may_be_zero() -> None:
    assert {
        "SWEEP_INTERVAL",
        "DRAIN_DELAY",
        "DRAIN_SPREAD",
        "MAX_SESSIONS_PER_USER",
        "MAX_UNGREETED",
    } == MAY_BE_ZERO


@override_settings(REALTIME={})
def test_with_an_empty_dict_the_defaults_are_in_force() -> None:
    assert load() == Settings()


@override_settings()
def test_without_the_dict_the_defaults_are_in_force() -> None:
    from django.conf import settings as django_settings

    del django_settings.REALTIME
    assert load() == Settings()


@override_settings(REALTIME={"LEASE": 5, "ALLOWED_ORIGINS": ["https://a.com"]})
def test_settings_override_the_defaults() -> None:
    loaded = load()
    assert (loaded.lease, loaded.allowed_origins) == (5, ("https://a.com",))
    assert loaded.ping_interval == 25.0


@override_settings(REALTIME={"LEESE": 5})
def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(ImproperlyConfigured, match='"LEESE"'):
        load()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("LEASE", "5"),
        ("LEASE", True),
        ("LEASE", None),
        ("LEASE", float("nan")),
        ("LEASE", float("inf")),
        ("MAX_MISSED", 2.0),
        ("MAX_MISSED", True),
        ("ALLOW_ANONYMOUS", 1),
        ("STORE", None),
        ("ALLOWED_ORIGINS", "https://a.com"),
        ("ALLOWED_ORIGINS", [1]),
        ("TRUSTED_PROXIES", ["localhost"]),
        ("TRUSTED_PROXIES", "unix"),
        ("MESSAGE_RATE", 100),
        ("MESSAGE_RATE", (100,)),
        ("MESSAGE_RATE", (100, "400")),
    ],
)
def test_a_value_of_another_kind_is_an_error(key: str, value: Any) -> None:
    with override_settings(REALTIME={key: value}), pytest.raises(ImproperlyConfigured, match=key):
        load()


def test_the_settings_follow_a_change() -> None:
    assert settings.lease == 15.0
    with override_settings(REALTIME={"LEASE": 7.0}):
        assert settings.lease == 7.0
    assert settings.lease == 15.0


def test_another_setting_changes_nothing() -> None:
    with override_settings(REALTIME={"LEASE": 7.0}), override_settings(DEBUG=True):
        assert settings.lease == 7.0


def test_there_are_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        settings.leese  # type: ignore[attr-defined]  # noqa: B018
