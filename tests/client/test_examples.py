"""The examples of docs/python-client.md do what the page says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.polling import eventually_in_loop
from tests.test_docs import DOCS, fences

from .scripted_server import AT_ONCE, ScriptedServer, welcomed


def example(word: str, **names: Any) -> dict[str, Any]:
    """The names that the example with this word defines; ``names`` replace some of them."""
    [code] = [
        code for code in fences((DOCS / "python-client.md").read_text(), "python") if word in code
    ]
    module: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "python-client.md", "exec"), module)
    module.update(names)
    return module


async def test_a_reader_goes_on_where_the_program_before_it_was(
    server: ScriptedServer, tmp_path: Path
) -> None:
    handled: list[Any] = []

    async def handle(data: object) -> None:
        handled.append(data)

    async def load_everything() -> None:
        handled.append("everything")

    place = tmp_path / "place"
    names = {"PLACE": place, "handle": handle, "load_everything": load_everything}
    follow = example("PLACE = Path", **names)["follow"]
    async with welcomed(server) as (client, peer):
        following = asyncio.create_task(follow(client))
        assert "position" not in await peer.join()
        await peer.publish("orders", 1, 2)
        await eventually_in_loop(lambda: handled == [1, 2])
    await following
    async with welcomed(server) as (client, peer):
        following = asyncio.create_task(follow(client))
        join = await peer.join("k4", 5, recovered=False, reason="epoch_changed")
        assert join["position"] == {"epoch": "k3", "offset": 2}
        await peer.publish("orders", 6)
        await eventually_in_loop(lambda: handled[2:] == ["everything", 6])
    await following
    assert place.read_text() == "k4:6"


async def test_requests_are_awaited_and_iterated(
    server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    async with welcomed(server) as (client, peer):
        asking = asyncio.create_task(example("async def ask")["ask"](client))
        for parts in (["12.50"], ["be", "cause"]):
            request = await peer.receive("request")
            for part in parts:
                done = len(parts) == 1
                await peer.send("reply", id=request["id"], data=part, done=done)
        await peer.send("reply", id=request["id"], done=True)
        await asking
    assert capsys.readouterr().out == "12.50\nbe cause "


async def test_backoff_serves_other_code() -> None:
    attempts = 0

    async def fetch() -> bytes:
        nonlocal attempts
        attempts += 1
        raise ConnectionError("away")

    backoff = {"Backoff": lambda max_attempts: type(AT_ONCE)(0.001, max_attempts=max_attempts)}
    with pytest.raises(ConnectionError, match="away"):
        await example("fetch_patiently", fetch=fetch, **backoff)["fetch_patiently"]()
    assert attempts == 5
