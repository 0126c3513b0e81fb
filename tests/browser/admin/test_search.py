"""Searches for live sessions."""

import pytest
from playwright.sync_api import expect

from tests.e2e.support import Project, Server

from .list_page import LIST, NewPage, open_list, rows
from .records import insert_sessions, insert_worker


@pytest.mark.parametrize("scripts", [True, False])
def test_searches_keep_session_ids_out_of_urls(
    project: Project, server: Server, new_page: NewPage, scripts: bool
) -> None:
    (ann,) = insert_sessions(project, 1, user="1", username="ann", address="192.0.2.1")
    insert_sessions(project, 2)
    insert_worker(project, 3)
    admin = new_page(java_script_enabled=scripts)
    seen: list[str] = []
    admin.on("request", lambda request: seen.append(request.url))
    open_list(admin, server)
    for by, text, count in (
        ("username", "ann", 1),
        ("username", "an", 0),
        ("username", "mallory", 0),
        ("user", "900", 2),
        ("address", "192.0.2.1", 1),
        ("session", ann[:5], 1),
    ):
        admin.select_option("#realtime-by", by)
        admin.fill("#realtime-q", text)
        admin.get_by_role("button", name="Show").click()
        expect(rows(admin)).to_have_count(count)
        assert admin.locator("#realtime-q").input_value() == text
    # A full id opens the session's page; the back button returns.
    before = admin.url
    admin.fill("#realtime-q", ann)
    admin.get_by_role("button", name="Show").click()
    expect(admin.get_by_text(ann, exact=True)).to_be_visible()
    expect(admin.locator("h1")).to_have_text(f"Session {ann[:8]}")
    admin.go_back()
    assert admin.url == before
    admin.goto(f"{server.url}{LIST}?order=last_beat&state=suspended&worker=elsewhere")
    expect(admin.get_by_text("No session matches.")).to_be_visible()
    assert not [url for url in seen if ann in url]
    admin.goto(f"{server.url}{LIST}?by=session&q={ann}")  # redirects
    assert ann not in admin.url
