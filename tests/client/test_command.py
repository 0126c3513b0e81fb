"""``python -m realtime.client``: its arguments and its output."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from realtime.client import Position
from realtime.client.__main__ import parser, run

from .scripted_server import ScriptedServer

URL = "ws://localhost/ws/"


def arguments(*given: str) -> Any:
    return parser().parse_args(given)


def test_the_arguments() -> None:
    found = arguments(
        URL, "--room", "a", "--room", "b", "--since", "k3:41", "--header", "Cookie: x"
    )
    assert (found.room, found.since) == (["a", "b"], Position("k3", 41))
    assert found.header == [("Cookie", "x")]
    assert arguments(URL, "--room", "a", "--rewind", "50").rewind == 50


def test_secrets_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.write_text("--auth\na token\n")
    assert arguments(URL, "--room", "a", f"@{file}").auth == "a token"


@pytest.mark.parametrize(
    "given",
    [
        [URL],
        ["http://localhost/ws/", "--room", "a"],
        [URL, "--room", "a b"],
        [URL, "--room", "a", "--since", "last"],
        [URL, "--room", "a", "--rewind", "0"],
        [URL, "--room", "a", "--rewind", "5", "--since", "k3:41"],
        [URL, "--room", "a", "--header", "Cookie"],
    ],
)
def test_wrong_arguments_are_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments(*given)
    assert "usage" in capsys.readouterr().err


async def test_it_prints_a_line_for_each_publication(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    running = asyncio.create_task(
        run(arguments(server.url, "--room", "chat:lobby", "--rewind", "1"))
    )
    peer = await server.accept()
    await peer.welcome()
    await peer.join(offset=1, after=0)
    await peer.publish("chat:lobby", 1, data="☃")
    await peer.send("joined", room="chat:lobby", epoch="k4", offset=0, recovered=False)
    await peer.join("k4", recovered=False, reason="epoch_changed")
    await peer.publish("chat:lobby", 1)
    await peer.received()
    running.cancel()
    await asyncio.wait([running])
    out, err = capsys.readouterr()
    first, second = map(json.loads, out.splitlines())
    assert first == {
        "room": "chat:lobby",
        "position": "k3:1",
        "time": "2026-11-20T12:00:00.000+00:00",
        "replayed": True,
        "data": "☃",
    }
    assert second["position"] == "k4:1"
    assert err == "chat:lobby: publications are missing: epoch_changed\n"


async def test_it_ends_quietly_with_the_reader_of_its_output(server: ScriptedServer) -> None:
    command = ["-m", "realtime.client", server.url, "--room", "chat:lobby"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=pipe, stderr=pipe
    )
    peer = await server.accept()
    await peer.welcome()
    await peer.join()
    await peer.publish("chat:lobby", 1)
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["data"] == 1
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    await peer.publish("chat:lobby", 2)
    await peer.receive("bye")
    _, err = await process.communicate()
    assert (process.returncode, err) == (1, b"")
