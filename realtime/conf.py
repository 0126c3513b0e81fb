"""The settings: one table, one dict ``REALTIME``, one frozen object.

``settings.ping_interval`` is ``REALTIME["PING_INTERVAL"]`` or its default. Only
``composition.py``, ``worker/assembly.py`` and the modules of the Django surface import this
module; all others get their numbers through constructors.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from realtime.common.client_address import parse_proxies
from realtime.protocol.base import MAX_HELLO_SIZE
from realtime.store import backends

PREFIX = "REALTIME_"


@dataclass(frozen=True, slots=True)
class SettingKind:
    """The values of a setting: ``expected`` describes and ``accepts(value)`` tests them;
    ``parse(text)`` reads one from an environment variable, or raises ValueError."""

    expected: str
    accepts: Callable[[Any], bool]
    parse: Callable[[str], Any]


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -math.inf < value < math.inf


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _are_proxies(value: Any) -> bool:
    try:
        return _is_texts(value) and parse_proxies(tuple(value)) is not None
    except ValueError:
        return False


def _is_rate(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))


def _is_store(value: Any) -> bool:
    return isinstance(value, str) and backends.is_store(value)


def _is_prefix(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9_.-]{1,50}", value))


def _parse_switch(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


def _parse_texts(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _parse_rate(text: str) -> tuple[float, ...]:
    return tuple(float(item) for item in text.split(","))


SECONDS = SettingKind("a number of seconds", _is_number, float)
DAYS = SettingKind("a number of days", _is_number, float)
WHOLE = SettingKind("a whole number", _is_whole, int)
SWITCH = SettingKind("True or False (1 or 0)", lambda v: isinstance(v, bool), _parse_switch)
STORE = SettingKind(backends.EXPECTED, _is_store, str)
REDIS_PREFIX = SettingKind(
    '1 to 50 of the characters A-Z, a-z, 0-9, "_", "." and "-"', _is_prefix, str
)
LIMIT = SettingKind('"reject" or "oldest"', ("reject", "oldest").__contains__, str)
AUDIENCE = SettingKind('"public" or "staff"', ("public", "staff").__contains__, str)
PROXIES = SettingKind('a list of addresses, networks or "unix"', _are_proxies, _parse_texts)
TEXTS = SettingKind("a list of strings (comma-separated)", _is_texts, _parse_texts)
RATE = SettingKind("two numbers: frames per second, burst", _is_rate, _parse_rate)
ROOM_RATE = SettingKind("two numbers: new rooms per minute, burst", _is_rate, _parse_rate)
BYTE_RATE = SettingKind("two numbers: bytes per second, burst", _is_rate, _parse_rate)


def _setting(default: Any, kind: SettingKind, *, zero: bool = False) -> Any:
    return field(default=default, metadata={"kind": kind, "zero": zero})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default, in seconds and bytes; ``docs/settings.md`` explains them."""

    ping_interval: float = _setting(25.0, SECONDS)
    pong_timeout: float = _setting(10.0, SECONDS)
    max_missed: int = _setting(3, WHOLE)
    session_timeout: float = _setting(90.0, SECONDS)
    hello_timeout: float = _setting(10.0, SECONDS)
    resume_window: float = _setting(120.0, SECONDS)
    lease: float = _setting(15.0, SECONDS)
    flush_interval: float = _setting(1.0, SECONDS)
    sweep_interval: float = _setting(30.0, SECONDS, zero=True)
    claim_timeout: float = _setting(30.0, SECONDS)
    revalidate_interval: float = _setting(60.0, SECONDS)
    history_days: float = _setting(30, DAYS)
    max_message_size: int = _setting(MAX_HELLO_SIZE, WHOLE)
    max_publication: int = _setting(65_536, WHOLE)
    handler_threads: int = _setting(16, WHOLE)
    request_timeout: float = _setting(60.0, SECONDS)
    max_rooms: int = _setting(100, WHOLE)
    log_length: int = _setting(1_000, WHOLE)
    log_bytes: int = _setting(4 * 1024 * 1024, WHOLE)
    log_ttl: float = _setting(300.0, SECONDS)
    log_meta_ttl: float = _setting(7 * 24 * 3600.0, SECONDS)
    message_rate: tuple[float, float] = _setting((100.0, 400.0), RATE)
    byte_rate: tuple[float, float] = _setting((1_048_576.0, 16_777_216.0), BYTE_RATE)
    new_room_rate: tuple[float, float] = _setting((60.0, 200.0), ROOM_RATE)
    max_ungreeted: int = _setting(100, WHOLE, zero=True)
    max_sessions_per_user: int = _setting(0, WHOLE, zero=True)
    session_limit: str = _setting("reject", LIMIT)
    allow_anonymous: bool = _setting(False, SWITCH)
    allowed_origins: tuple[str, ...] = _setting((), TEXTS)
    trusted_proxies: tuple[str, ...] = _setting((), PROXIES)
    health_details: str = _setting("public", AUDIENCE)
    store: str = _setting("database", STORE)
    redis_prefix: str = _setting("realtime", REDIS_PREFIX)
    store_timeout: float = _setting(2.0, SECONDS)
    drain_delay: float = _setting(0.0, SECONDS, zero=True)
    drain_spread: float = _setting(5.0, SECONDS, zero=True)
    protocol_ping_interval: float = _setting(54.0, SECONDS)
    protocol_ping_timeout: float = _setting(60.0, SECONDS)


_FIELDS = {f.name.upper(): f for f in fields(Settings)}
DEFAULTS: dict[str, Any] = {key: f.default for key, f in _FIELDS.items()}
KINDS: dict[str, SettingKind] = {key: f.metadata["kind"] for key, f in _FIELDS.items()}
# All other numbers must be above zero.
MAY_BE_ZERO = frozenset(key for key, f in _FIELDS.items() if f.metadata["zero"])


def from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """``REALTIME`` from the variables ``REALTIME_<KEY>``, each parsed by its key's kind.

    Keeps an unknown key as text, so that the system check can name it.
    Raises ImproperlyConfigured for a value that it cannot parse.
    """
    found = {k.removeprefix(PREFIX): v for k, v in environ.items() if k.startswith(PREFIX)}
    return {key: _parse(key, text) if key in KINDS else text for key, text in found.items()}


def _parse(key: str, text: str) -> Any:
    try:
        return KINDS[key].parse(text)
    except ValueError:
        message = f"{PREFIX}{key}: expected {KINDS[key].expected}, got {json.dumps(text)}"
        raise ImproperlyConfigured(message) from None


def configured() -> dict[str, Any]:
    """The project's ``REALTIME`` dict, unchecked."""
    from django.conf import settings as django_settings

    return dict(getattr(django_settings, "REALTIME", {}))


# Bytes of a message frame besides its data, at most.
MESSAGE_OVERHEAD = 400


def effective(values: Mapping[str, Any]) -> dict[str, Any]:
    """All settings by their keys: the project's ``values``, or defaults. The default of
    MAX_MESSAGE_SIZE fits the largest hello and the largest message."""
    found = {**DEFAULTS, **values}
    if "MAX_MESSAGE_SIZE" not in values:
        found["MAX_MESSAGE_SIZE"] = max(MAX_HELLO_SIZE, found["MAX_PUBLICATION"] + MESSAGE_OVERHEAD)
    return found


def load() -> Settings:
    """The settings in force. Raises ImproperlyConfigured for unknown keys and wrong types."""
    values = configured()
    for key, value in values.items():
        if key not in KINDS:
            raise ImproperlyConfigured(f'REALTIME["{key}"] is not a setting')
        if not KINDS[key].accepts(value):
            raise ImproperlyConfigured(f'REALTIME["{key}"]: expected {KINDS[key].expected}')
    frozen: dict[str, Any] = {
        k.lower(): tuple(v) if isinstance(v, list) else v for k, v in effective(values).items()
    }
    return Settings(**frozen)


class _LazySettings:
    """Loads the settings at first use, and again after a test has changed them."""

    def __init__(self) -> None:
        self._loaded: Settings | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.load(), name)

    def load(self) -> Settings:
        """The settings in force, for callers that read many of them."""
        if self._loaded is None:
            self._loaded = load()
        return self._loaded

    def reset(self, *, setting: str, **_: Any) -> None:
        if setting == "REALTIME":
            self._loaded = None


_lazy = _LazySettings()
settings: Settings = _lazy  # type: ignore[assignment]  # same attributes, read late
current_settings = _lazy.load
setting_changed.connect(_lazy.reset)
