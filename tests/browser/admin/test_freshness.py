"""The list of live sessions shows when its numbers are old."""

import re

from playwright.sync_api import expect

from tests.e2e.support import Project, Server, free_port

from .list_page import NewPage, as_of, open_list, wait_for_refresh


def test_a_logged_out_page_says_so_and_stops_polling(
    project: Project, server: Server, new_page: NewPage
) -> None:
    admin = open_list(new_page(), server)
    admin.context.clear_cookies()
    expect(admin.get_by_role("status")).to_contain_text("You are logged out")
    requests: list[str] = []
    admin.on("request", lambda request: requests.append(request.url))
    admin.wait_for_timeout(5000)
    assert requests == []


def test_a_paused_page_says_so_and_keeps_its_numbers(server: Server, new_page: NewPage) -> None:
    admin = open_list(new_page(), server)
    pause = admin.get_by_role("button", name="Pause")
    pause.press("Enter")
    expect(pause).to_have_attribute("aria-pressed", "true")
    before = as_of(admin)
    expect(admin.locator("#realtime-age")).to_contain_text("Paused: these numbers are")
    admin.wait_for_timeout(3000)
    assert as_of(admin) == before
    pause.press("Enter")
    wait_for_refresh(admin)
    expect(admin.locator("#realtime-age")).to_be_empty()


def test_a_page_without_server_shows_the_age_of_its_numbers(
    project: Project, new_page: NewPage
) -> None:
    port = free_port()
    with project.serve(port) as server:
        admin = open_list(new_page(), server)
        wait_for_refresh(admin)
        last = as_of(admin)
        admin.set_viewport_size({"width": 1000, "height": 400})
        admin.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        server.kill()
        notice = admin.get_by_role("status")
        expect(notice).to_have_text(
            re.compile(r"^The server has not answered since \d\d:\d\d:\d\d")
        )
        expect(notice).to_be_in_viewport()
        assert as_of(admin) in notice.inner_text()
        assert as_of(admin) >= last
        expect(admin.locator("#realtime-age")).to_have_text(
            re.compile(r"These numbers are [5-9] s old"), timeout=9000
        )
    with project.serve(port):
        expect(admin.locator("#realtime-age")).to_be_empty()
        expect(notice).to_be_empty()
