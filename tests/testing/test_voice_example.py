"""The consumer of docs/voice.md, without a browser; tests/browser/voice has its page."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from realtime.routing import websocket_application
from realtime.testing import Clock, Socket
from realtime.testing.plugin import Connect
from tests.polling import eventually_in_loop
from tests.test_docs import DOCS, fences

NAMES: dict[str, Any] = {}
exec(fences((DOCS / "voice.md").read_text(), "python")[0], NAMES)
APPLICATION = websocket_application(NAMES["VoiceConsumer"])
HEAD, FRAME = NAMES["HEAD"], NAMES["FRAME"]
ID = 0xBEEF


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.BASE_DIR = tmp_path
    return tmp_path / "recordings"


def sound(first: int, end: int) -> bytes:
    """These frames; each byte has its frame's number."""
    return b"".join(bytes([number]) * FRAME for number in range(first, end))


async def send(socket: Socket, first: int, end: int) -> tuple[int, int]:
    """Send these frames in one message. Returns the confirmation."""
    count = len(socket.binary)
    await socket.send_bytes(HEAD.pack(ID, first) + sound(first, end))
    await eventually_in_loop(lambda: len(socket.binary) > count)
    confirmation: tuple[int, int] = HEAD.unpack(socket.binary[-1])
    return confirmation


async def test_sound_before_and_after_ten_minutes_of_silence(
    realtime_connect: Connect, realtime_clock: Clock, user: User, folder: Path
) -> None:
    socket = await realtime_connect(user, application=APPLICATION)
    assert await send(socket, 0, 1) == (ID, 1)
    await realtime_clock.advance(600)
    assert await send(socket, 1, 3) == (ID, 3)
    assert len([frame for frame in socket.frames if frame["type"] == "ping"]) >= 20
    assert (folder / f"{user.pk}-0000beef.pcm").read_bytes() == sound(0, 3)


async def test_a_repetition_changes_nothing_and_a_gap_is_asked_for(
    realtime_connect: Connect, user: User, folder: Path
) -> None:
    first = await realtime_connect(user, application=APPLICATION)
    assert await send(first, 0, 4) == (ID, 4)
    await first.lose()
    second = await realtime_connect(user, application=APPLICATION, resume=first.ticket)
    assert await send(second, 6, 7) == (ID, 4)
    assert await send(second, 2, 6) == (ID, 6)
    assert await send(second, 1, 2) == (ID, 6)
    assert next(folder.iterdir()).read_bytes() == sound(0, 6)


async def test_a_recording_is_finished_and_has_a_bound(
    realtime_connect: Connect, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NAMES, "LONGEST", 100)
    socket = await realtime_connect(user, application=APPLICATION)
    assert await send(socket, 0, 100) == (ID, 100)
    assert await send(socket, 100, 101) == (ID, 100)
    answer = await socket.request("request", name="voice.finish", data={"recording": ID})
    assert answer["data"] == "2.0 s of sound"
    for data in ({"recording": -1}, {"recording": "../secret"}, None):
        refusal = await socket.request("request", name="voice.finish", data=data)
        assert refusal["code"] == "invalid_message"
