"""System checks of ``REALTIME``, its database and the channel layer: errors and warnings."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from realtime.common.tested_versions import untested_packages
from realtime.conf import KINDS, MAY_BE_ZERO, MESSAGE_OVERHEAD, configured
from realtime.conf import effective as effective_settings
from realtime.protocol.base import MAX_HELLO_ROOMS, max_hello_size
from realtime.security.origin import can_match
from realtime.store import backends, vendors
from realtime.worker.connections.connection import MAX_UNSENT

_Values = dict[str, Any]
_Test = Callable[[_Values], bool]


@register("realtime")
def check_settings(**_: Any) -> list[CheckMessage]:
    """Check the ``REALTIME`` dict: each value, then the relations between them."""
    from django.conf import settings

    if not isinstance(getattr(settings, "REALTIME", {}), dict):
        return [Error("REALTIME is not a dict.", hint="Expected a dict.", id="realtime.E002")]
    values = configured()
    errors = [*_unknown(values), *_wrong_type(values)]
    sound = {k: v for k, v in values.items() if k in KINDS and KINDS[k].accepts(v)}
    errors += _not_positive(sound)
    if errors:
        return errors
    effective = effective_settings(sound)
    return [*_relations(effective), *_advice(effective), *_dead_origins(effective)]


def _unknown(values: _Values) -> Iterable[CheckMessage]:
    hint = f"Known settings: {', '.join(sorted(KINDS))}."
    for key in values.keys() - KINDS.keys():
        yield Error(f'REALTIME["{key}"] is not a setting.', hint=hint, id="realtime.E001")


def _wrong_type(values: _Values) -> Iterable[CheckMessage]:
    for key, value in values.items():
        if key in KINDS and not KINDS[key].accepts(value):
            hint = f"Expected {KINDS[key].expected}."
            # A URL may hold a password, and messages are printed.
            shown = "not understood" if key == "STORE" else repr(value)
            yield Error(f'REALTIME["{key}"] is {shown}.', hint=hint, id="realtime.E002")


def _not_positive(values: _Values) -> Iterable[CheckMessage]:
    for key, value in values.items():
        numbers = value if key.endswith("_RATE") else [value]
        floor = "0 or more" if key in MAY_BE_ZERO else "above 0"
        if any(_below(number, key) for number in numbers):
            hint = f"Expected {floor}."
            yield Error(f'REALTIME["{key}"] is {value!r}.', hint=hint, id="realtime.E003")


def _below(number: Any, key: str) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return number < 0 if key in MAY_BE_ZERO else not number > 0


# Behind a publication on a slow connection, as much again is left for pings and answers.
LARGEST_PUBLICATION = MAX_UNSENT // 2


def _relations(v: _Values) -> Iterable[CheckMessage]:
    for test, message, hint, number in _RELATIONS:
        if test(v):
            yield Error(message.format(**v), hint=hint(v), id=f"realtime.E{number:03d}")


def _least_session_timeout(v: _Values) -> float:
    needed: float = v["PING_INTERVAL"] + v["MAX_MISSED"] * v["PONG_TIMEOUT"]
    return needed


def _least_message_size(v: _Values) -> int:
    # One room more than a session may be in: the private one is named as well.
    rooms = min(v["MAX_ROOMS"] + 1, MAX_HELLO_ROOMS)
    needed: int = max(v["MAX_PUBLICATION"] + MESSAGE_OVERHEAD, max_hello_size(rooms))
    return needed


_RELATIONS: tuple[tuple[_Test, str, Callable[[_Values], str], int], ...] = (
    (
        lambda v: v["SESSION_TIMEOUT"] < _least_session_timeout(v),
        "SESSION_TIMEOUT ({SESSION_TIMEOUT:g} s) ends connections before their misses are counted.",
        lambda v: (
            "Expected at least PING_INTERVAL + MAX_MISSED x PONG_TIMEOUT = "
            f"{_least_session_timeout(v):g} s."
        ),
        4,
    ),
    (
        lambda v: v["LOG_TTL"] <= v["RESUME_WINDOW"],
        "LOG_TTL ({LOG_TTL:g} s) is not above RESUME_WINDOW: late resumes find no publications.",
        lambda v: f"Raise LOG_TTL above {v['RESUME_WINDOW']:g} s.",
        5,
    ),
    (
        lambda v: v["LOG_META_TTL"] <= v["LOG_TTL"],
        "LOG_META_TTL ({LOG_META_TTL:g} s) is not above LOG_TTL: a log that still has entries "
        "starts again.",
        lambda v: f"Raise LOG_META_TTL above {v['LOG_TTL']:g} s.",
        6,
    ),
    (
        lambda v: v["LOG_BYTES"] < v["MAX_PUBLICATION"],
        "LOG_BYTES ({LOG_BYTES}) is below MAX_PUBLICATION: one publication removes all others.",
        lambda v: f"Raise LOG_BYTES to {v['MAX_PUBLICATION']} or more.",
        7,
    ),
    (
        lambda v: v["MAX_MESSAGE_SIZE"] < _least_message_size(v),
        "MAX_MESSAGE_SIZE ({MAX_MESSAGE_SIZE}) is too small for a message with MAX_PUBLICATION "
        "bytes of data, or for a hello that names MAX_ROOMS rooms.",
        lambda v: f"Expected at least {_least_message_size(v)} bytes, or no such setting.",
        8,
    ),
    (
        lambda v: v["MAX_ROOMS"] >= MAX_HELLO_ROOMS,
        "MAX_ROOMS ({MAX_ROOMS}) is more than a client can name when it comes back.",
        lambda v: f"Lower MAX_ROOMS below {MAX_HELLO_ROOMS}: the private room is named as well.",
        9,
    ),
    (
        lambda v: v["MAX_PUBLICATION"] > LARGEST_PUBLICATION,
        "MAX_PUBLICATION ({MAX_PUBLICATION}) is more than a connection may have unsent beside its "
        "answers: clients that receive one are closed with 4003, and again after each return.",
        lambda v: f"Lower MAX_PUBLICATION to {LARGEST_PUBLICATION} or less.",
        10,
    ),
    (
        lambda v: v["BYTE_RATE"][1] < v["MAX_MESSAGE_SIZE"],
        "The burst of BYTE_RATE ({BYTE_RATE[1]:.0f}) is below MAX_MESSAGE_SIZE: a frame that is "
        "allowed ends its connection with 4004.",
        lambda v: f"Raise the second number to {v['MAX_MESSAGE_SIZE']} or more.",
        11,
    ),
    (
        lambda v: v["MESSAGE_RATE"][1] < 1,
        "The burst of MESSAGE_RATE ({MESSAGE_RATE[1]:g}) is below 1: any frame ends its "
        "connection with 4004.",
        lambda _: "Raise the second number to 1 or more.",
        12,
    ),
    (
        lambda v: v["NEW_ROOM_RATE"][1] < 1,
        "The burst of NEW_ROOM_RATE ({NEW_ROOM_RATE[1]:g}) is below 1: no user can join a new "
        "room.",
        lambda _: "Raise the second number to 1 or more.",
        15,
    ),
)


def _advice(v: _Values) -> Iterable[CheckMessage]:
    for test, message, hint, number in _ADVICE:
        if test(v):
            yield Warning(message, hint=hint, id=f"realtime.W{number:03d}")


_ADVICE = (
    (
        lambda v: v["LEASE"] < 3 * v["FLUSH_INTERVAL"],
        "LEASE is shorter than three FLUSH_INTERVALs: one slow flush loses a worker its lease.",
        "Raise LEASE or lower FLUSH_INTERVAL.",
        1,
    ),
    (
        lambda v: v["RESUME_WINDOW"] < v["LEASE"],
        "RESUME_WINDOW is shorter than LEASE: clients of a killed worker may not resume.",
        "Raise RESUME_WINDOW above LEASE.",
        2,
    ),
    (
        lambda v: v["PING_INTERVAL"] > 55,
        "PING_INTERVAL is above 55 s: many proxies close a connection after 60 idle seconds.",
        "Lower PING_INTERVAL, or raise the read timeout of every proxy in front.",
        3,
    ),
    (
        lambda v: v["PONG_TIMEOUT"] > v["PING_INTERVAL"],
        "PONG_TIMEOUT is longer than PING_INTERVAL: several pings are unanswered before a miss.",
        "Lower PONG_TIMEOUT to PING_INTERVAL or less.",
        4,
    ),
    (
        lambda v: "*" in v["ALLOWED_ORIGINS"],
        'ALLOWED_ORIGINS holds "*": a page of any site may connect with its visitor\'s cookies.',
        "Name the origins, such as https://www.example.com.",
        5,
    ),
    (
        lambda v: v["CLAIM_TIMEOUT"] < 2 * v["STORE_TIMEOUT"],
        "CLAIM_TIMEOUT is near STORE_TIMEOUT: two workers may do a slow claimant's work.",
        "Raise CLAIM_TIMEOUT to several STORE_TIMEOUTs.",
        6,
    ),
)


def _wrong_vendor(alias: str, *, history_only: bool) -> CheckMessage | None:
    """The error of a database that cannot store sessions, or with ``history_only`` history."""
    try:
        vendor = connections[alias].vendor
    except (ConnectionDoesNotExist, ImproperlyConfigured):  # Django reports it
        return None
    if vendor in (vendors.KEEPS_HISTORY if history_only else vendors.KEEPS_SESSIONS):
        return None
    data, hint = "Sessions", 'Set STORE to the URL of a Redis, such as "redis://localhost:6379/0".'
    if vendor not in vendors.KEEPS_HISTORY:
        data = "The history of closed sessions"
        hint = "Use SQLite or PostgreSQL, or MySQL or MariaDB with the sessions in Redis."
    name = vendors.vendor_name(vendor)
    return Error(
        f"{data} cannot be kept in {name}, which the database {alias!r} is.",
        hint=hint,
        id="realtime.E013",
    )


@register("realtime")
def check_database(**_: Any) -> list[CheckMessage]:
    """Check the database of the history, and of the sessions unless they are in Redis."""
    store = str(configured().get("STORE", ""))
    alias = backends.database_alias(store)
    if error := _wrong_vendor(alias, history_only=backends.is_redis(store)):
        return [error]
    if connections.settings.get(alias, {}).get("AUTOCOMMIT", True):
        return []
    return [
        Error(
            f"AUTOCOMMIT of the database {alias!r} is off: workers' writes are never committed.",
            hint="Remove AUTOCOMMIT from its settings, or name another database in STORE.",
            id="realtime.E014",
        )
    ]


def _dead_origins(v: _Values) -> Iterable[CheckMessage]:
    for entry in v["ALLOWED_ORIGINS"]:
        if not can_match(entry):
            yield Warning(
                f'ALLOWED_ORIGINS names "{entry}", which is no origin of a page.',
                hint='Expected scheme://host or scheme://host:port of the page, without a "/" at '
                "the end: https://www.example.com, https://*.example.com, capacitor://localhost, "
                'file://; or "null", or "*" for any.',
                id="realtime.W009",
            )


IN_MEMORY = "channels.layers.InMemoryChannelLayer"
CORE = "channels_redis.core.RedisChannelLayer"
# Seconds for which that layer lets Redis wait for a message before it answers that there is none.
CORE_BLOCKS = 5


@register("realtime")
def check_channel_layer(**_: Any) -> list[CheckMessage]:
    """Check that workers can reach each other, as far as the settings show it."""
    from django.conf import settings

    layer = getattr(settings, "CHANNEL_LAYERS", {}).get("default", {})
    backend = layer.get("BACKEND", IN_MEMORY)
    if backend == IN_MEMORY:
        return list(_check_in_memory())
    return list(_check_core(layer.get("CONFIG", {}).get("hosts"))) if backend == CORE else []


def _check_in_memory() -> Iterable[CheckMessage]:
    if backends.is_redis(str(configured().get("STORE", ""))):
        yield Warning(
            "STORE is a Redis, for many workers, but the default channel layer cannot leave "
            "its process: closes and take-overs of another worker wait for a flush.",
            hint='Use "channels_redis.pubsub.RedisPubSubChannelLayer" in CHANNEL_LAYERS.',
            id="realtime.W007",
        )


def _check_core(hosts: Any) -> Iterable[CheckMessage]:
    if any(0 < _socket_timeout(host) <= CORE_BLOCKS for host in hosts or ["redis://localhost"]):
        yield Warning(
            "The default channel layer closes its connection to Redis when a consumer has received "
            f"nothing for {CORE_BLOCKS} s: consumers' connections end, and hints come late.",
            hint='Add "socket_timeout": None to each of its hosts, or use '
            '"channels_redis.pubsub.RedisPubSubChannelLayer".',
            id="realtime.W008",
        )


def _socket_timeout(host: Any) -> float:
    """Seconds for which a host of the layer may be silent; 0 without a limit."""
    options = host if isinstance(host, dict) else {"address": host}
    default = 5 if int(version("redis").partition(".")[0]) >= 8 else None
    timeout: Any = options.get("socket_timeout", default)
    if isinstance(address := options.get("address"), str):  # its query has precedence
        timeout = parse_qs(urlsplit(address).query).get("socket_timeout", [timeout])[-1]
    with suppress(TypeError, ValueError):
        return float(timeout)
    return 0.0


@register("realtime")
def check_versions(**_: Any) -> list[CheckMessage]:
    """Whether packages of which undocumented names are used have versions that were tested."""
    return [
        Warning(
            f"{package} {installed} is installed; channels-realtime was tested with {bounds}.",
            hint="It may fail in ways that no test has seen: install a version within the bounds.",
            id="realtime.W010",
        )
        for package, installed, bounds in untested_packages()
    ]
