"""Tokens of the application: one call at a time, kept until refused."""

import asyncio
import threading

import pytest

from realtime.client import tokens as token_module
from realtime.client.tokens import TokenSource
from tests.polling import TIMEOUT


async def test_without_auth_there_is_no_token() -> None:
    source = TokenSource(None)
    assert not source.is_used
    assert await source.get() is None
    assert await source.renew() is None


async def test_a_text_is_the_token() -> None:
    assert await TokenSource("a token").get() == "a token"


async def test_a_function_is_called_in_a_thread() -> None:
    threads = []

    def auth() -> str:
        threads.append(threading.current_thread())
        return "a token"

    assert await TokenSource(auth).get() == "a token"
    assert threads != [threading.main_thread()]


async def test_an_object_may_be_called() -> None:
    class Issuer:
        async def __call__(self) -> str:
            return "a token"

    assert await TokenSource(Issuer()).get() == "a token"


async def test_calls_wait_for_each_other_and_share_the_token() -> None:
    calls = 0

    async def auth() -> str:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return f"token {calls}"

    source = TokenSource(auth)
    tokens = await asyncio.gather(source.get(), source.get(), source.renew(), source.get())
    assert [*tokens] == ["token 1", "token 1", "token 2", "token 2"]


async def test_another_token_may_help_if_the_server_has_accepted_this_one() -> None:
    issued = iter(["first", "second"])
    source = TokenSource(lambda: next(issued))
    await source.get()
    source.on_accepted()
    assert source.refuse()
    assert await source.get() == "second"
    assert not source.refuse()


@pytest.mark.parametrize("token", ["", "snowman ☃", "x" * 8193, None, 7, b"bytes"])
async def test_other_values_are_no_tokens_and_are_not_quoted(token: object) -> None:
    with pytest.raises(TypeError) as caught:
        await TokenSource(lambda: token).get()  # type: ignore[arg-type]
    assert "snowman" not in str(caught.value)


async def test_a_function_has_so_much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_module, "PATIENCE", 0.01)

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    with pytest.raises(TimeoutError):
        await TokenSource(never).get()


async def test_a_renewal_that_fails_keeps_the_token() -> None:
    issued = iter(["first", ""])
    source = TokenSource(lambda: next(issued))
    await source.get()
    with pytest.raises(TypeError):
        await source.renew()
    assert await source.get() == "first"


async def test_a_function_that_is_late_is_not_called_beside_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each attempt would take another thread from the program."""
    monkeypatch.setattr(token_module, "PATIENCE", 0.01)
    release, calls = threading.Event(), []

    def auth() -> str:
        calls.append("call")
        release.wait(TIMEOUT)
        return f"token {len(calls)}"

    source = TokenSource(auth)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await source.get()
    monkeypatch.undo()
    getting = asyncio.create_task(source.get())
    await asyncio.sleep(0)
    release.set()
    assert await getting == "token 1"
    assert calls == ["call"]
