"""The assistant of the docs, as they show it, answers word by word."""

from typing import Any

import pytest

from tests.test_docs import INTEGRATION, fences, section

from .client import Client


@pytest.mark.usefixtures("worker")
async def test_the_assistant_of_the_docs_answers_word_by_word() -> None:
    [code] = fences(section(INTEGRATION, "## Requests"), "python")
    names: dict[str, Any] = {}
    exec(compile(code, "integration.md", "exec"), names)
    client = Client(names["AssistantConsumer"])
    await client.greet()

    async def ask(name: str, data: Any) -> list[dict[str, Any]]:
        await client.send_message(type="request", id=1, name=name, data=data)
        frames = [await client.receive_message()]
        while frames[-1].get("done") is False:
            frames.append(await client.receive_message())
        return frames

    question = {"question": "why is it late?"}
    *words, end = await ask("assistant.ask", question)
    assert "".join(word["data"] for word in words) == "You have asked: why is it late? "
    assert len(words) == 7
    assert end == {"type": "reply", "id": 1, "done": True}
    assert (await ask("assistant.cost", question))[0]["data"] == {"words": 4}
    assert (await ask("assistant.ask", None))[0]["code"] == "invalid_message"
    assert (await ask("assistant.tell", None))[0]["code"] == "unknown_request"
    await client.disconnect()
