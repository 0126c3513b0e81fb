"""Disconnecting sessions from the admin."""

import re

from playwright.sync_api import expect

from tests.e2e.support import Project, Server

from .list_page import LIST, NewPage, open_demo, open_list, rows
from .records import count_sessions, insert_sessions, insert_worker


def test_a_disconnected_session_shows_the_reason_to_its_user(
    project: Project, server: Server, new_page: NewPage
) -> None:
    ann, other = open_demo(new_page(), server), open_demo(new_page(), server, "bob")
    admin = open_list(new_page(), server)
    rows(admin, "ann").get_by_role("checkbox").check()
    admin.get_by_role("button", name="Disconnect chosen sessions…").click()
    expect(admin.locator("#content li")).to_have_count(1)
    admin.get_by_label("Reason, shown to the users:").fill("you look tired")
    admin.get_by_role("button", name="Disconnect", exact=True).click()
    expect(admin.locator(".messagelist")).to_contain_text("1 session will be disconnected.")
    expect(ann.locator("#realtime-dot")).to_have_attribute("data-state", "disconnected")
    ann.locator("realtime-status [part=button]").click()
    expect(ann.locator("realtime-status")).to_contain_text("you look tired")
    expect(rows(admin, "ann")).to_have_count(0)
    expect(rows(admin, "bob")).to_have_count(1)
    expect(other.locator("#realtime-dot")).to_have_attribute("data-state", "connected")
    (entry,) = project.rows("SELECT * FROM django_admin_log")
    assert entry["change_message"] == "Disconnected ann, 127.0.0.1: you look tired"
    (closed,) = project.rows("SELECT * FROM realtime_closedsession")
    assert (closed["username"], closed["code"]) == ("ann", 4500)
    assert entry["object_id"] == closed["session"][:8]
    # The link in the admin's log leads to the closed session.
    admin.goto(server.url + "/admin/")
    admin.locator("#recent-actions-module").get_by_role("link").click()
    expect(admin.get_by_text("This session has ended.")).to_be_visible()
    assert closed["session"] not in admin.url


def test_all_sessions_of_a_user_can_be_disconnected(
    project: Project, server: Server, new_page: NewPage
) -> None:
    anns = [open_demo(new_page(), server) for _ in range(3)]
    bob = open_demo(new_page(), server, "bob")
    admin = open_list(new_page(), server)
    rows(admin, "ann").first.get_by_role("link").click()
    expect(admin.get_by_role("heading", name="2 other live sessions of ann")).to_be_visible()
    admin.get_by_role("button", name="Disconnect all of ann…").click()
    expect(admin.locator("#content li")).to_have_count(3)
    admin.get_by_role("button", name="Disconnect", exact=True).click()
    for ann in anns:
        expect(ann.locator("#realtime-dot")).to_have_attribute("data-state", "disconnected")
    expect(bob.locator("#realtime-dot")).to_have_attribute("data-state", "connected")
    (entry,) = project.rows("SELECT * FROM django_admin_log")
    assert entry["change_message"] == "Disconnected all 3 sessions of ann"


def test_without_permission_there_is_no_button_and_requests_are_refused(
    project: Project, server: Server, new_page: NewPage
) -> None:
    (id_,) = insert_sessions(project, 1)
    insert_worker(project, 1)
    page = open_list(new_page(), server, "watcher")
    expect(rows(page)).to_have_count(1)
    assert page.get_by_role("checkbox").count() == 0
    assert page.get_by_role("button", name=re.compile("Disconnect")).count() == 0
    rows(page).get_by_role("link").click()
    expect(page.get_by_text(id_)).to_be_visible()
    assert page.get_by_role("button", name=re.compile("Disconnect")).count() == 0
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    for scope in ("sessions", "users"):
        form: dict[str, str | float | bool] = {"session": id_, "scope": scope, "confirmed": "yes"}
        url = f"{server.url}{LIST}disconnect/"
        form["csrfmiddlewaretoken"] = token
        answer = page.request.post(url, form=form, headers={"Referer": server.url})
        assert answer.status == 403
    assert count_sessions(project, "close_code > 0") == 0
