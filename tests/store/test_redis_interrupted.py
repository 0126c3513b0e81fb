"""A thread that is interrupted between asking and reading: nobody is given another's answer."""

from collections.abc import Callable

import pytest
import redis

from realtime.store.redis import RedisSessions, blocking_store
from tests.faults import Proxy
from tests.redis_server import RedisServer

from .builders import open_many
from .kinds import WINDOWS


class TimeIsUp(Exception):
    """What a signal's handler raises, wherever the thread is."""


def interrupted(call: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    """Ask, and be interrupted before anything is read."""

    def interrupt(*_: object, **__: object) -> None:
        raise TimeIsUp

    with patch.context() as during:
        during.setattr(redis.Connection, "read_response", interrupt)
        with pytest.raises(TimeIsUp):
            call()


def found(sessions: RedisSessions, asked: list[str]) -> list[object]:
    """What each answer is about."""
    answers = map(sessions.get, asked)
    return [answer and answer.id for answer in answers]


def test_the_answer_that_is_still_to_come_is_given_to_nobody(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.flush()
    with Proxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        sessions = blocking_store(url, WINDOWS, prefix="tests", timeout=5.0)
        known = open_many(sessions, 3)
        assert found(sessions, known) == known  # Redis has the script now
        proxy.delay(0.2)  # so that it is not there yet when the next one asks
        interrupted(lambda: sessions.get(known[0]), monkeypatch)
        assert found(sessions, known[1:]) == known[1:]


def test_a_connection_that_was_answered_with_an_error_is_kept(redis_server: RedisServer) -> None:
    """As when the scripts were forgotten: nothing has to be connected anew."""
    redis_server.flush()
    with Proxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        sessions = blocking_store(url, WINDOWS, prefix="tests", timeout=5.0)
        known = open_many(sessions, 1)
        with redis_server.client() as client:
            client.script_flush()
        assert found(sessions, known) == known
        assert proxy.accepted == 1
