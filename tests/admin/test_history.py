"""The admin's history of closed sessions: filters, exact search, CSV."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient, Client, override_settings
from django.utils import timezone

from realtime.admin.export import FORMULA, cell
from realtime.admin.history import duration_text
from realtime.ending.history import CHUNK, COLUMNS
from realtime.models import ClosedSession

pytestmark = pytest.mark.django_db

LIST = "/admin/realtime/closedsession/"
EXPORT = LIST + "export/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def row(session: str, **given: Any) -> ClosedSession:
    now = timezone.now()
    times = {"opened_at": now, "last_seen": now, "closed_at": now, "duration": 61.4}
    values = {"code": 1000, "username": "ann", "user": "7", "address": "192.0.2.1"}
    return ClosedSession(session=session, **{**times, **values, **given})


def close(session: str, **given: Any) -> ClosedSession:
    saved = row(session, **given)
    saved.save()
    return saved


def shown(admin: Client, **query: str) -> list[str]:
    return sorted(found.session for found in admin.get(LIST, query).context["cl"].result_list)


def exported(response: Any) -> list[dict[str, str]]:
    content = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(content)))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (-1, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (90_000, "25:00:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_the_search_is_exact(admin: Client) -> None:
    close("s1")
    close("s2", username="anna", user="77", address="192.0.2.11")
    assert shown(admin, q="ann") == ["s1"]
    assert shown(admin, q="77") == ["s2"]
    assert shown(admin, q="192.0.2.1") == ["s1"]
    assert shown(admin, q="s1") == []


def test_rows_are_filtered_by_code_and_date(admin: Client) -> None:
    close("s1", code=4002)
    close("s2", closed_at=timezone.now() - timedelta(days=3))
    close("s3", code=4700)
    assert shown(admin, code="4002") == ["s1"]
    assert shown(admin, code="4700") == ["s3"]
    assert shown(admin, code="x") == []
    since = (timezone.now() - timedelta(days=1)).isoformat()
    assert shown(admin, closed_at__gte=since) == ["s1", "s3"]


def test_the_filter_names_both_reasons_of_a_code(admin: Client) -> None:
    """A browser that leaves closes with 1001, as a server that shuts down does."""
    for reason in ("server shutting down", "client went away"):
        close(reason, code=1001, reason=reason)
    page = admin.get(LIST, {"code": "1001"}).content.decode()
    assert "1001 server shutting down, or client went away" in page
    assert len(shown(admin, code="1001")) == 2


def test_the_pages_are_read_only(admin: Client) -> None:
    saved = close("s1")
    page = admin.get(f"{LIST}{saved.pk}/change/")
    assert page.status_code == 200
    assert "192.0.2.1" in page.content.decode()
    assert 'name="_save"' not in page.content.decode()
    for path in ("add/", f"{saved.pk}/change/", f"{saved.pk}/delete/"):
        assert admin.post(f"{LIST}{path}", {"username": "eve", "post": "yes"}).status_code == 403
    assert ClosedSession.objects.get().username == "ann"


def test_the_export_has_what_the_list_shows(admin: Client) -> None:
    close("s1", code=4002)
    close("s2")
    page = admin.get(LIST, {"code": "4002", "p": "1"})
    assert page.context["export_url"] == EXPORT + "?code=4002"
    assert page.context["export_url"] in page.content.decode()
    response = admin.get(page.context["export_url"])
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    (found,) = exported(response)
    assert tuple(found) == COLUMNS
    assert (found["session"], found["code"], found["duration"]) == ("s1", "4002", "61.4")


def test_an_export_is_read_in_chunks(admin: Client, django_assert_num_queries: Any) -> None:
    ClosedSession.objects.bulk_create(row(f"s{n:05}") for n in range(2 * CHUNK + 1))
    response = admin.get(EXPORT)
    with django_assert_num_queries(4):
        found = exported(response)
    assert [line["session"] for line in found] == [f"s{n:05}" for n in range(2 * CHUNK, -1, -1)]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_no_text_becomes_a_formula(admin: Client, start: str) -> None:
    evil = f'{start}HYPERLINK("http://example.org","x"),1'
    close("s1", username=evil, agent=evil, reason=evil, address=evil[:60])
    (found,) = exported(admin.get(EXPORT))
    for column in ("username", "agent", "reason", "address"):
        assert found[column].startswith("'")
    assert found["username"] == f"'{evil}"
    assert cell("a=b") == "a=b"
    assert cell(-1) == "-1"


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r\n"])
@pytest.mark.parametrize("between", ["", " ", '"', ' "', "\t", ";"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋"])
def test_no_part_becomes_a_formula_with_another_separator(
    admin: Client, separator: str, between: str, start: str
) -> None:
    evil = f"x{separator}{between}{start}1;{start}2\t{start}3"
    close("s1", username=evil, agent=evil, reason=evil)
    response: Any = admin.get(EXPORT)
    lines = b"".join(response.streaming_content).decode()
    for delimiter in (",", ";", "\t"):
        for record in csv.reader(io.StringIO(lines), delimiter=delimiter):
            assert not [each for each in record if each.lstrip(' "').startswith(FORMULA[:4])]
    for part in re.split(r"[;\t\r\n]", lines):  # a program that ignores quotes
        assert not part.lstrip(' "').startswith(FORMULA[:4])


def test_a_text_without_a_formula_is_unchanged() -> None:
    for text in ("a;b", "a - b", "a; b\tc", "5-3=2", "x;'=1", "a,=1", "http://a/?b=c;d=e"):
        assert cell(text) == text


def test_a_bad_filter_redirects_to_the_list(admin: Client) -> None:
    response = admin.get(EXPORT, {"closed_at__gte": "yesterday"})
    assert response.status_code == 302


@override_settings(USE_TZ=False)
def test_the_export_works_without_timezones(admin: Client) -> None:
    close("s1", closed_at=datetime(2026, 11, 21, 3, 0))
    (found,) = exported(admin.get(EXPORT))
    assert found["closed_at"] == "2026-11-21T03:00:00.000"


def test_a_number_too_long_for_a_code_matches_nothing(admin: Client) -> None:
    close("s1")
    assert shown(admin, code="9" * 5000) == []


def test_the_export_requires_the_permission() -> None:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_livesession"))
    client = Client()
    client.force_login(user)
    assert client.get(EXPORT).status_code == 403


@pytest.mark.django_db(transaction=True)
async def test_the_export_streams_on_asgi() -> None:
    root = await User.objects.acreate(username="root", is_staff=True, is_superuser=True)
    await row("s1").asave()
    client = AsyncClient()
    await client.aforce_login(root)
    response: Any = await client.get(EXPORT)
    assert response.is_async
    lines = [part.decode() async for part in response.streaming_content]
    assert [line.split(",")[0] for line in lines] == ["session", "s1"]


@override_settings(TIME_ZONE="Asia/Shanghai", LANGUAGE_CODE="en-us")
def test_moments_have_the_clock_of_the_live_pages(admin: Client) -> None:
    """24 hours in the current timezone, where Django's English has a.m. and p.m."""
    saved = close("s1", closed_at=datetime(2026, 11, 21, 9, 30, 5, tzinfo=UTC))
    for url in (LIST, f"{LIST}{saved.pk}/change/"):
        page = admin.get(url).content.decode()
        assert "2026-11-21 17:30:05" in page
        assert "p.m." not in page
