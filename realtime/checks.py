"""System checks: what is wrong with ``REALTIME`` (errors) or worth saying (warnings)."""

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

from .conf import DEFAULTS, KINDS, MAY_BE_ZERO, configured

_Values = dict[str, Any]


@register("realtime")
def check_settings(**_: Any) -> list[CheckMessage]:
    """Everything about the ``REALTIME`` dict; relations only once each value is sound."""
    from django.conf import settings

    if not isinstance(getattr(settings, "REALTIME", {}), dict):
        return [Error("REALTIME is not a dict.", hint="Expected a dict.", id="realtime.E002")]
    values = configured()
    errors = [*_unknown(values), *_wrong_type(values)]
    sound = {k: v for k, v in values.items() if k in KINDS and KINDS[k].accepts(v)}
    errors += _not_positive(sound)
    if errors:
        return errors
    effective = {**DEFAULTS, **sound}
    return [*_relations(effective), *_advice(effective)]


def _unknown(values: _Values) -> Iterable[CheckMessage]:
    hint = f"Known settings: {', '.join(sorted(KINDS))}."
    for key in values.keys() - KINDS.keys():
        yield Error(f'REALTIME["{key}"] is not a setting.', hint=hint, id="realtime.E001")


def _wrong_type(values: _Values) -> Iterable[CheckMessage]:
    for key, value in values.items():
        if key in KINDS and not KINDS[key].accepts(value):
            hint = f"Expected {KINDS[key].expected}."
            yield Error(f'REALTIME["{key}"] is {value!r}.', hint=hint, id="realtime.E002")
    store = values.get("STORE", "database")
    if isinstance(store, str) and store.partition(":")[0] != "database":
        hint = 'Expected "database" or "database:<alias>".'
        yield Error(f'REALTIME["STORE"] is {store!r}.', hint=hint, id="realtime.E002")


def _not_positive(values: _Values) -> Iterable[CheckMessage]:
    for key, value in values.items():
        numbers = value if key == "MESSAGE_RATE" else [value]
        floor = "0 or more" if key in MAY_BE_ZERO else "above 0"
        if any(_below(number, key) for number in numbers):
            hint = f"Expected {floor}."
            yield Error(f'REALTIME["{key}"] is {value!r}.', hint=hint, id="realtime.E003")


def _below(number: Any, key: str) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    return number < 0 if key in MAY_BE_ZERO else not number > 0


def _relations(v: _Values) -> Iterable[CheckMessage]:
    needed = v["PING_INTERVAL"] + v["MAX_MISSED"] * v["PONG_TIMEOUT"]
    if v["SESSION_TIMEOUT"] < needed:
        yield Error(
            f"SESSION_TIMEOUT ({v['SESSION_TIMEOUT']:g} s) ends connections before their "
            f"misses are counted.",
            hint=f"Expected at least PING_INTERVAL + MAX_MISSED x PONG_TIMEOUT = {needed:g} s.",
            id="realtime.E004",
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
        "PONG_TIMEOUT is longer than PING_INTERVAL: several pings are under way before a miss.",
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
        "CLAIM_TIMEOUT is near STORE_TIMEOUT: a slow claimant's work is begun twice.",
        "Raise CLAIM_TIMEOUT to several STORE_TIMEOUTs.",
        6,
    ),
)
