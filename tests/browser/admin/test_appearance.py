"""Screenshots of the admin's pages, and what axe finds in them."""

import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.support import Project, Server

from ..conftest import enter
from .list_page import NewPage, open_list, photograph, rows, violations
from .records import TOTALS, insert_samples, insert_sessions, insert_worker


def test_closed_sessions_fit_a_small_screen(
    project: Project, server: Server, new_page: NewPage
) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    for number, code in enumerate((1005, 1011, 4002)):
        values = {
            **dict.fromkeys(TOTALS, 0), "session": f"s{number}", "user": "7",
            "username": "a.long.name@example.com", "agent": "", "address": "2001:db8::1234:5678",
            "opened_at": stamp, "last_seen": stamp, "closed_at": stamp, "duration": 7200.0,
            "resumes": 3, "code": code, "reason": "a reason of several words " * 7,
        }  # fmt: skip
        marks, columns = ", ".join("?" * len(values)), ", ".join(f'"{name}"' for name in values)
        insertion = f"INSERT INTO realtime_closedsession ({columns}) VALUES ({marks})"
        project.rows(insertion, *values.values())
    page = new_page(viewport={"width": 1280, "height": 800})
    enter(page, server, "admin", path="/admin/realtime/closedsession/")
    photograph(page, "closed-1280")
    aside = page.locator("#changelist-filter").bounding_box()
    for name in ("code", "why"):
        box = page.locator(f"#result_list tbody tr:first-child .field-{name}").bounding_box()
        assert box is not None
        assert aside is not None
        assert box["x"] + box["width"] <= aside["x"]
    for words in ("1011 server failed", "1005 client went away"):
        page.get_by_role("link", name=words).click()
        expect(page.locator("#result_list tbody tr")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_pages_are_accessible_and_fit_their_window(
    project: Project, server: Server, new_page: NewPage, scheme: str
) -> None:
    windows: dict[str, Any] = {"wide": (1280, 900), "narrow": (360, 740)}
    pages = {
        name: open_list(
            new_page(color_scheme=scheme, viewport={"width": width, "height": height}), server
        )
        for name, (width, height) in windows.items()
    }
    for name, page in pages.items():
        photograph(page, f"empty-{scheme}-{name}")
        assert violations(page) == []
    insert_samples(project)
    insert_sessions(project, 40)
    insert_sessions(
        project, 3, missed=2, username="a user with a rather long name", address="2001:db8::9"
    )
    insert_sessions(project, 4, state="suspended", worker="", username="", user="")
    insert_worker(project, 43)
    for name, page in pages.items():
        page.reload()
        expect(page.locator(".realtime-plot canvas")).to_be_visible()
        photograph(page, f"full-{scheme}-{name}")
        assert violations(page) == []
        overflow = "document.documentElement.scrollWidth - innerWidth"
        assert page.evaluate(overflow) <= 0
        rows(page).first.get_by_role("link").click()
        photograph(page, f"session-{scheme}-{name}")
        assert violations(page) == []
        page.go_back()
        rows(page).first.get_by_role("checkbox").check()
        page.get_by_role("button", name="Disconnect chosen sessions…").click()
        photograph(page, f"confirm-{scheme}-{name}")
        assert violations(page) == []
