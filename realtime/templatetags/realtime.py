"""``{% load realtime %}{% realtime_status %}``: how the page's connection stands."""

from typing import Any

from django import template
from django.template.context import Context
from django.utils.translation import get_language

register = template.Library()


@register.inclusion_tag("realtime/status.html", takes_context=True)
def realtime_status(
    context: Context,
    *,
    compact: bool = False,
    url: str = "",
    lang: str | None = None,
    placement: str = "",
) -> dict[str, Any]:
    """The element ``<realtime-status>`` and its script; any number of times on a page.

    ``lang`` is Django's current language unless given; ``""`` leaves it to the page.
    The script carries the nonce of the content security policy, if the context has one.
    """
    return {
        "compact": compact,
        "url": url,
        "lang": get_language() if lang is None else lang,
        "placement": placement,
        "nonce": _nonce(context),
    }


def _nonce(context: Context) -> str:
    """django-csp puts it on the request, Django 6 into the context; both are lazy."""
    nonce = getattr(context.get("request"), "csp_nonce", None)
    if nonce is None:
        nonce = context.get("csp_nonce")
    return "" if nonce is None else str(nonce)
