"""The list of live sessions is kept up to date without a reload."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.support import Project, Server

from .list_page import (
    LIST,
    UPDATE_MS,
    UPDATE_SECONDS,
    NewPage,
    open_demo,
    open_list,
    rows,
    total_of,
    wait_for_refresh,
)
from .records import insert_sessions, insert_worker


@contextmanager
def within(seconds: float, what: str, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Print how long the block takes, and fail above ``seconds``."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    with capsys.disabled():
        sys.stdout.write(f"\n{what}: {took:.2f} s ")
    assert took < seconds, what


def test_the_list_shows_sessions_that_connect_and_disconnect(
    project: Project,
    server: Server,
    new_page: NewPage,
    capsys: pytest.CaptureFixture[str],
) -> None:
    admin = open_list(new_page(), server)
    expect(admin.get_by_text("No session is connected.")).to_be_visible()
    ann = open_demo(new_page(), server)
    with within(UPDATE_SECONDS, "a session has come", capsys):
        expect(rows(admin, "ann")).to_have_count(1)
        expect(total_of(admin, "connected")).to_have_text("1")  # the total comes first
    ann.close()
    with within(UPDATE_SECONDS, "a session is suspended", capsys):
        expect(rows(admin, "ann").locator("[data-state=suspended]")).to_be_visible()
        expect(total_of(admin, "connected")).to_have_text("0")
        expect(total_of(admin, "suspended")).to_have_text("1")


TRUSTED_TYPES = "require-trusted-types-for 'script'; trusted-types 'none'"


def test_the_list_updates_on_a_site_with_trusted_types(server: Server, new_page: NewPage) -> None:
    page, errors = new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "Trusted" in line.text else None)

    def with_policy(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        headers = {**answer.headers, "content-security-policy": TRUSTED_TYPES}
        route.fulfill(response=answer, headers=headers)

    open_list(page, server)
    page.route(lambda url: LIST in url and "login" not in url, with_policy)
    page.reload()
    ann = open_demo(new_page(), server)
    expect(rows(page, "ann")).to_have_count(1, timeout=UPDATE_MS)
    wait_for_refresh(page)
    ann.close()
    assert errors == []


def test_a_checked_and_focused_row_stays_so(
    project: Project, server: Server, new_page: NewPage
) -> None:
    (id_, *_) = insert_sessions(project, 3)
    insert_worker(project, 3)
    admin = open_list(new_page(), server)
    box = admin.locator(f'input[value="{id_}"]')
    box.check()
    box.focus()
    expect(admin.locator("#realtime-chosen")).to_have_text("1 chosen")
    # New rows come before it, and its own row changes.
    insert_sessions(project, 2, opened_at=round(time.time() * 1000))
    project.rows("UPDATE realtime_livesession SET latency_ms = 77.0 WHERE id = ?", id_)
    expect(rows(admin)).to_have_count(5, timeout=UPDATE_MS)
    expect(admin.locator("tr", has=box)).to_contain_text("77.0 ms")
    expect(box).to_be_checked()
    expect(box).to_be_focused()


def test_a_row_that_moves_keeps_the_focus(
    project: Project, server: Server, new_page: NewPage
) -> None:
    silent = round(time.time() * 1000) - 60_000
    ids = insert_sessions(project, 3)
    insert_worker(project, 3)
    for n, id_ in enumerate(ids):
        project.rows("UPDATE realtime_livesession SET last_beat = ? WHERE id = ?", silent + n, id_)
    admin = open_list(new_page(), server)
    admin.goto(f"{server.url}{LIST}?order=last_beat")
    box = admin.locator(f'input[value="{ids[2]}"]')
    box.focus()
    project.rows("UPDATE realtime_livesession SET last_beat = ? WHERE id = ?", silent - 1, ids[2])
    expect(rows(admin).first).to_have_attribute("data-key", ids[2], timeout=UPDATE_MS)
    expect(box).to_be_focused()
