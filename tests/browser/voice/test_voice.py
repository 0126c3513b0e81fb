"""The microphone of docs/voice.md: speech over lines that break, and minutes of silence."""

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.support import Project, Server, free_port
from tests.faults import Proxy
from tests.polling import eventually

from ..conftest import enter
from ..pages import WAIT_MS

pytestmark = pytest.mark.timeout(400)  # three minutes are silent

FRAME = 640  # bytes
QUICK = {"ping_interval": 0.2, "pong_timeout": 3, "max_missed": 1, "session_timeout": 4}

# Keeps in ``made`` the frames that the microphone makes.
KEEP = """async () => {
  const { Recording } = await import("/static/voice/voice.js");
  const { connect } = await import("/static/realtime/realtime-status.js");
  Object.assign(window, { made: [], lost: 0, client: connect() });
  client.on("connection_lost", () => { lost += 1; });
  const { add } = Recording.prototype;
  Recording.prototype.add = function (frame) {
    made.push(frame);
    return add.call(this, frame);
  };
}"""
BYTES = """async () => {
  const url = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(new Blob(made));
  });
  return url.split(",")[1] ?? "";
}"""


def open_page(page: Page, server: Server, *, url: str = "") -> None:
    page.context.grant_permissions(["microphone"])
    enter(page, server, "ann", path="/voice/", url=url)
    page.evaluate(KEEP)
    expect_connected(page)


def expect_connected(page: Page) -> None:
    page.wait_for_function("client.state === 'connected'", timeout=WAIT_MS)


def press(page: Page, name: str, then: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("button", name=then, exact=True)).to_be_enabled(timeout=WAIT_MS)


def begin(page: Page) -> None:
    """Begin a recording; ``made`` has its frames only."""
    page.evaluate("made.length = 0")
    press(page, "Talk", "Stop")


def talk(page: Page, *, frames: int) -> None:
    """Wait until the microphone has made so many more frames."""
    before = page.evaluate("made.length")
    page.wait_for_function("(count) => made.length >= count", arg=before + frames, timeout=WAIT_MS)


def end(page: Page) -> bytes:
    """End the recording and await the server's answer. Returns all that the microphone has made."""
    press(page, "Stop", "Talk")
    made = b64decode(page.evaluate(BYTES))
    expect(page.locator("#answer")).to_have_text(f"{len(made) / FRAME / 50:.1f} s of sound")
    return made


def recordings(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "recordings").glob("*.pcm"))]


def test_a_recording_survives_a_cut_and_a_killed_server(
    page: Page, project: Project, tmp_path: Path
) -> None:
    port = free_port()
    with project.serve(port) as first, Proxy(port) as line:
        open_page(page, first, url=f"http://127.0.0.1:{line.port}")
        session = page.evaluate("client.stats().session")
        begin(page)
        eventually(lambda: len(b"".join(recordings(tmp_path))) > 20 * FRAME, what="sound")
        line.stall()
        talk(page, frames=20)
        line.refuse()  # frames are lost on their way
        talk(page, frames=100)
        assert page.evaluate("client.state") == "connecting"
        line.heal()
        expect_connected(page)
        assert page.evaluate("client.stats().session") == session
        talk(page, frames=20)
        line.stall(requests=False)
        talk(page, frames=20)
        first.kill()  # the confirmations of frames are lost
        line.reset()
        line.heal()
        talk(page, frames=20)
        with project.serve(port):
            expect_connected(page)
            talk(page, frames=20)
            made = end(page)
    assert recordings(tmp_path) == [made]
    assert len(made) > 160 * FRAME
    assert any(made)


def silence(page: Page, *, pings: int) -> None:
    """Let the server ping so many times while the page sends nothing of its own."""
    asked = "(count) => client.stats().pings >= count"
    before = page.evaluate("client.stats().pings")
    page.wait_for_function(asked, arg=before + pings, timeout=WAIT_MS * pings)


@pytest.mark.parametrize(
    ("settings", "pings"),
    [
        pytest.param(QUICK, 30, id="of-thirty-heartbeats"),
        pytest.param({}, 7, id="of-three-minutes", marks=pytest.mark.matrix),
    ],
)
def test_a_line_stands_a_silence(
    page: Page, project: Project, tmp_path: Path, settings: dict[str, Any], pings: int
) -> None:
    made = []
    with project.serve(**settings) as server:
        open_page(page, server)
        for pause in (pings, 0):
            begin(page)
            talk(page, frames=20)
            made.append(end(page))
            silence(page, pings=pause)
        assert page.evaluate("[lost, client.stats().misses]") == [0, 0]
    assert sorted(recordings(tmp_path)) == sorted(made)
