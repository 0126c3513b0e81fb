"""The tags ``{% realtime_status %}``, the state of the page's connection,
``{% realtime_nonce %}``, the nonce of a page's scripts and stylesheets, and
``{% realtime_position %}``, where a page's script goes on in a room."""

import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django import template
from django.template import TemplateSyntaxError
from django.template.context import Context
from django.urls import get_script_prefix
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import get_language

from realtime.protocol.position import Position

register = template.Library()

PLACEMENTS = ("bottom-start", "bottom-end", "top-start", "top-end")
SCHEMES = {"", "http", "https", "ws", "wss"}


class Argument(NamedTuple):
    """The values that an argument may have, in words and as a predicate."""

    expected: str
    fits: Callable[[Any], bool]


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, (str, Promise))


def _is_address(value: object) -> bool:
    try:
        return _is_text(value) and urlsplit(str(value)).scheme in SCHEMES
    except ValueError:
        return False


def _number(low: float, high: float = math.inf) -> Callable[[Any], bool]:
    """Whether a value is a finite number within bounds."""

    def fits(value: Any) -> bool:
        return type(value) in (int, float) and math.isfinite(value) and low <= value <= high

    return fits


_SWITCH = Argument("True or False", _is_switch)
_MILLISECONDS = Argument("a number of milliseconds, 0 or more", _number(0))
ARGUMENTS = {
    "compact": _SWITCH,
    "url": Argument("a path, or an http(s) or ws(s) address", _is_address),
    "lang": Argument("a language tag, or '' for the page's", _is_text),
    "placement": Argument(f"one of {', '.join(PLACEMENTS)}", lambda value: value in PLACEMENTS),
    "details": _SWITCH,
    "controls": Argument("'none'", lambda value: value == "none"),
    # The client's options
    "auto_reconnect": _SWITCH,
    "timeout": Argument("a number of milliseconds, 1 or more", _number(1)),
    "debug": _SWITCH,
    "backoff_base": _MILLISECONDS,
    "backoff_factor": Argument("a number, 1 or more", _number(1)),
    "backoff_cap": _MILLISECONDS,
    "backoff_jitter": Argument("a number from 0 to 1", _number(0, 1)),
    "backoff_max_attempts": Argument(
        "a whole number, 1 or more", lambda value: type(value) is int and value >= 1
    ),
}


@register.inclusion_tag("realtime/status.html", takes_context=True)
def realtime_status(context: Context, *unnamed: object, **given: Any) -> dict[str, Any]:
    """Render the element ``<realtime-status>`` and its script; a page may use it several times.

    Takes the element's attributes and the client's options as ``ARGUMENTS`` names them; None is
    the default. ``lang`` defaults to Django's current language; ``""`` has the element use the
    page's. ``url`` defaults to ``/ws/``, below the script prefix if there is one; the script names
    that address for clients of the page's own.
    The script gets the nonce of the content security policy, if the context has one.
    Raises TemplateSyntaxError for other arguments and values, and says what was expected.
    """
    if unnamed:
        raise _refusal(f"{unnamed[0]!r} has no name", f"one of {', '.join(ARGUMENTS)}")
    given = {name: value for name, value in given.items() if value is not None}
    for name, value in given.items():
        _check(name, value)
    options, default_url = _client_options(given), _default_url()
    return {
        "compact": given.get("compact", False),
        "default_url": default_url,
        "url": given.get("url") or default_url,
        "lang": given.get("lang", get_language()),
        "placement": given.get("placement", ""),
        "details": given.get("details", False),
        "controls": given.get("controls", ""),
        "options": json.dumps(options) if options else "",
        "nonce": _nonce(context),
    }


def _check(name: str, value: object) -> None:
    argument = ARGUMENTS.get(name)
    if argument is None:
        raise _refusal(f"no argument {name!r}", f"one of {', '.join(ARGUMENTS)}")
    if not argument.fits(value):
        raise _refusal(f"{name} is {value!r}", argument.expected)


def _refusal(found: str, expected: str) -> TemplateSyntaxError:
    return TemplateSyntaxError(f"realtime_status: {found}: expected {expected}")


def _client_options(given: dict[str, Any]) -> dict[str, Any]:
    """The options of the browser client, by its own names."""
    names = {"auto_reconnect": "autoReconnect", "timeout": "timeout", "debug": "debug"}
    options = {theirs: given[ours] for ours, theirs in names.items() if ours in given}
    backoff = {
        name.removeprefix("backoff_").replace("max_attempts", "maxAttempts"): value
        for name, value in given.items()
        if name.startswith("backoff_")
    }
    return {**options, "backoff": backoff} if backoff else options


def _default_url() -> str:
    """The address of the socket under FORCE_SCRIPT_NAME; "" leaves it to the client."""
    prefix = get_script_prefix()
    return "" if prefix == "/" else f"{prefix}ws/"


@register.simple_tag(takes_context=True)
def realtime_nonce(context: Context) -> str:
    """Render the attribute ``nonce`` with a space before it; nothing if the context has none."""
    nonce = _nonce(context)
    return format_html(' nonce="{}"', nonce) if nonce else ""


@register.simple_tag
def realtime_position(position: object) -> str:
    """Render what ``realtime.api.position`` has returned, for the ``since`` of the browser client.
    Raises TemplateSyntaxError for anything else."""
    if not isinstance(position, Position | str):
        expected = "what realtime.api.position returns"
        raise TemplateSyntaxError(f"realtime_position: expected {expected}, not {position!r}")
    return format_html("{}", position)


def _nonce(context: Context) -> str:
    """The nonce of django-csp, on the request, or of Django 6, in the context; both are lazy."""
    nonce = getattr(context.get("request"), "csp_nonce", None)
    if nonce is None:
        nonce = context.get("csp_nonce")
    return "" if nonce is None else str(nonce)
