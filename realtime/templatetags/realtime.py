"""The tag ``{% realtime_status %}``, which shows the state of the page's connection."""

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
    """Render the element ``<realtime-status>`` and its script; a page may use it several times.

    ``lang`` defaults to Django's current language; ``""`` has the element use the page's.
    The script gets the nonce of the content security policy, if the context has one.
    """
    return {
        "compact": compact,
        "url": url,
        "lang": get_language() if lang is None else lang,
        "placement": placement,
        "nonce": _nonce(context),
    }


def _nonce(context: Context) -> str:
    """The nonce of django-csp, on the request, or of Django 6, in the context; both are lazy."""
    nonce = getattr(context.get("request"), "csp_nonce", None)
    if nonce is None:
        nonce = context.get("csp_nonce")
    return "" if nonce is None else str(nonce)
