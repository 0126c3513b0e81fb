"""`{% realtime_status %}`: one line on any page."""

from types import SimpleNamespace
from typing import Any

from django.template import Context, Template
from django.utils.functional import SimpleLazyObject
from django.utils.translation import override

SCRIPT = '<script type="module" src="/static/realtime/realtime-status.js"></script>'


def render(arguments: str = "", **context: Any) -> str:
    source = "{% load realtime %}{% realtime_status " + arguments + " %}"
    return Template(source).render(Context(context)).strip()


def test_one_line_gives_script_and_element() -> None:
    script, element = render().splitlines()
    assert script == SCRIPT
    assert element.startswith('<realtime-status lang="en"><noscript>')
    assert element.endswith("</noscript></realtime-status>")


def test_every_option_is_an_attribute() -> None:
    element = render('compact=True url="/live/" lang="de" placement="top-end"')
    assert '<realtime-status lang="de" url="/live/" placement="top-end" compact>' in element


def test_the_language_is_the_one_of_the_page() -> None:
    with override("zh-hans"):
        assert '<realtime-status lang="zh-hans">' in render()
    assert "<realtime-status>" in render('lang=""')
    with override(None):
        assert "<realtime-status>" in render()


def test_what_is_given_is_escaped() -> None:
    element = render("url=address", address='"><script>alert(1)</script>')
    assert 'url="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in element


def test_the_script_carries_the_nonce_of_the_request() -> None:
    # Lazy, and false until it is read, like that of django-csp.
    lazy = SimpleLazyObject(lambda: "abc123")
    script = render(request=SimpleNamespace(csp_nonce=lazy))
    assert 'realtime-status.js" nonce="abc123"></script>' in script


def test_the_script_carries_the_nonce_of_the_context() -> None:
    assert 'realtime-status.js" nonce="abc123"></script>' in render(csp_nonce="abc123")


def test_without_a_nonce_there_is_no_attribute() -> None:
    assert SCRIPT in render(request=SimpleNamespace())
