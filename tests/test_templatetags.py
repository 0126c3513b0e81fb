"""`{% realtime_status %}`, one line on any page, and the tags for a page's own script."""

import json
from collections.abc import Iterator
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.urls import get_script_prefix, set_script_prefix
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy, override

from realtime.protocol.position import Position

SCRIPT = '<script type="module" src="/static/realtime/realtime-status.js"></script>'


def render(arguments: str = "", **context: Any) -> str:
    source = "{% load realtime %}{% realtime_status " + arguments + " %}"
    return Template(source).render(Context(context)).strip()


def refusal(arguments: str, **context: Any) -> str:
    with pytest.raises(TemplateSyntaxError) as caught:
        render(arguments, **context)
    return str(caught.value)


def test_one_line_gives_script_and_element() -> None:
    with override("en"):
        script, element = render().splitlines()
    assert script == SCRIPT
    assert element.startswith('<realtime-status lang="en"><noscript>')
    assert element.endswith("</noscript></realtime-status>")


def test_the_elements_own_arguments_are_attributes() -> None:
    element = render('compact=True url="/live/" lang="de" placement="top-end"')
    assert '<realtime-status lang="de" url="/live/" placement="top-end" compact>' in element


def test_the_details_may_stand_in_the_page_without_controls() -> None:
    element = render('details=True controls="none" lang="de"')
    assert '<realtime-status lang="de" details controls="none">' in element
    assert '<realtime-status lang="de">' in render('details=False controls=None lang="de"')


def test_the_clients_options_are_one_attribute() -> None:
    element = render(
        "auto_reconnect=False timeout=2500 debug=True backoff_base=500 backoff_factor=1.5"
        " backoff_cap=5000 backoff_jitter=0 backoff_max_attempts=7"
    )
    [value] = [part for part in element.split('"') if part.startswith("{")]
    backoff = {"base": 500, "factor": 1.5, "cap": 5000, "jitter": 0, "maxAttempts": 7}
    assert json.loads(unescape(value)) == {
        "autoReconnect": False,
        "timeout": 2500,
        "debug": True,
        "backoff": backoff,
    }


def test_none_is_the_default() -> None:
    names = ("compact", "url", "placement", "details", "controls", "timeout", "backoff_base")
    assert render(" ".join(f"{name}=None" for name in names)) == render()


def test_texts_may_be_lazy_or_safe() -> None:
    element = render("url=url lang=lang", url=mark_safe("/a/"), lang=gettext_lazy("zz"))
    assert '<realtime-status lang="zz" url="/a/">' in element


def test_the_language_is_the_one_of_the_page() -> None:
    with override("zh-hans"):
        assert '<realtime-status lang="zh-hans">' in render()
    assert "<realtime-status>" in render('lang=""')
    with override(None):
        assert "<realtime-status>" in render()


def test_what_is_given_is_escaped() -> None:
    element = render("url=address", address='/"><script>alert(1)</script>')
    assert 'url="/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in element


def test_it_is_escaped_where_the_page_is_not() -> None:
    tag = "{% realtime_status backoff_base=5 url=url %}"
    source = f"{{% load realtime %}}{{% autoescape off %}}{tag}{{% endautoescape %}}"
    element = Template(source).render(Context({"url": '/">'}))
    assert 'url="/&quot;&gt;"' in element
    assert 'options="{&quot;backoff&quot;: {&quot;base&quot;: 5}}"' in element


# Under a sub-path


@pytest.fixture
def sub_path() -> Iterator[None]:
    """The prefix that Django has set for a request with FORCE_SCRIPT_NAME."""
    before = get_script_prefix()
    set_script_prefix("/shop/")
    yield
    set_script_prefix(before)


@pytest.mark.usefixtures("sub_path")
def test_under_a_sub_path_the_socket_is_below_it() -> None:
    script, element = render().splitlines()
    assert ' url="/shop/ws/"' in element
    assert ' data-realtime-url="/shop/ws/"></script>' in script  # for the page's own `connect()`


@pytest.mark.usefixtures("sub_path")
def test_an_address_that_is_given_is_taken_as_it_is() -> None:
    script, element = render('url="/live/"').splitlines()
    assert ' url="/live/"' in element
    assert ' data-realtime-url="/shop/ws/"' in script


# Wrong arguments

EXPECTED = "a number of milliseconds, 0 or more"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("compact='yes'", "compact is 'yes': expected True or False"),
        ("compact=1", "compact is 1: expected True or False"),
        ("auto_reconnect='false'", "auto_reconnect is 'false': expected True or False"),
        ("url=5", "url is 5: expected a path, or an http(s) or ws(s) address"),
        ("url='ftp://host/'", "url is 'ftp://host/': expected a path, or an"),
        ("url='//[/'", "url is '//[/': expected a path, or an"),
        ("lang=5", "lang is 5: expected a language tag, or '' for the page's"),
        ("placement='left'", "placement is 'left': expected one of bottom-start, bottom-end, top"),
        ("details='yes'", "details is 'yes': expected True or False"),
        ("controls='all'", "controls is 'all': expected 'none'"),
        ("debug=1", "debug is 1: expected True or False"),
        ("timeout=0", "timeout is 0: expected a number of milliseconds, 1 or more"),
        ("backoff_base='soon'", f"backoff_base is 'soon': expected {EXPECTED}"),
        ("backoff_base=True", f"backoff_base is True: expected {EXPECTED}"),
        ("backoff_cap=-1", f"backoff_cap is -1: expected {EXPECTED}"),
        ("backoff_factor=0.5", "backoff_factor is 0.5: expected a number, 1 or more"),
        ("backoff_jitter=1.5", "backoff_jitter is 1.5: expected a number from 0 to 1"),
        ("backoff_max_attempts=0", "backoff_max_attempts is 0: expected a whole number, 1 or"),
        ("backoff_max_attempts=1.5", "backoff_max_attempts is 1.5: expected a whole number, 1"),
        ("backoff_cap=value", f"backoff_cap is inf: expected {EXPECTED}"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_expected(arguments: str, message: str) -> None:
    refused = refusal(arguments, value=float("inf"))
    assert refused.startswith(f"realtime_status: {message}")


def test_an_unknown_argument_is_refused_with_the_known_ones() -> None:
    message = refusal("colour='red'")
    assert message.startswith("realtime_status: no argument 'colour': expected one of compact, url")
    assert message.endswith("backoff_max_attempts")


def test_arguments_have_names() -> None:
    assert refusal("'/live/'").startswith("realtime_status: '/live/' has no name: expected one of")


# Content security policies


def test_the_script_carries_the_nonce_of_the_request() -> None:
    # Lazy, and false until it is read, like that of django-csp.
    lazy = SimpleLazyObject(lambda: "abc123")
    script = render(request=SimpleNamespace(csp_nonce=lazy))
    assert 'realtime-status.js" nonce="abc123"></script>' in script


def test_the_script_carries_the_nonce_of_the_context() -> None:
    assert 'realtime-status.js" nonce="abc123"></script>' in render(csp_nonce="abc123")


def test_without_a_nonce_there_is_no_attribute() -> None:
    assert SCRIPT in render(request=SimpleNamespace())


def test_a_page_gives_the_nonce_to_its_own_tags() -> None:
    page = Template("{% load realtime %}<script{% realtime_nonce %}></script>")
    assert page.render(Context({})) == "<script></script>"
    assert page.render(Context({"csp_nonce": '"><b>'})) == (
        '<script nonce="&quot;&gt;&lt;b&gt;"></script>'
    )


def position(value: object) -> str:
    source = '{% load realtime %}<p data-since="{% realtime_position position %}">'
    return Template(source).render(Context({"position": value}))


@pytest.mark.parametrize(
    ("value", "text"),
    [(Position("k3", 41), "k3:41"), ("", ""), ("k3:41", "k3:41"), ('"<', "&quot;&lt;")],
)
def test_a_position_is_rendered_escaped(value: object, text: str) -> None:
    assert position(value) == f'<p data-since="{text}">'


@pytest.mark.parametrize("value", [None, 41, {"epoch": "k3", "offset": 41}])
def test_what_is_no_position_is_refused(value: object) -> None:
    with pytest.raises(TemplateSyntaxError, match=r"expected what realtime\.api\.position returns"):
        position(value)
