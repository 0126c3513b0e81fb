"""A thread interrupted between sending and reading: no call gets another call's answer."""

from collections.abc import Callable

import pytest
import redis
from asgiref.sync import sync_to_async

from realtime.store.contract import StoreUnavailable
from realtime.store.log import PublishRequest
from realtime.store.redis import BlockingRedisStore, blocking_store, loop_store
from tests.faults import Proxy
from tests.redis_server import RedisServer

from .builders import open_many
from .store_fixtures import params


class TimeIsUp(Exception):
    """Raised by a signal's handler, at any point of the thread."""


def interrupted(call: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    """Send a call, and be interrupted before reading."""

    def interrupt(*_: object, **__: object) -> None:
        raise TimeIsUp

    with patch.context() as during:
        during.setattr(redis.Connection, "read_response", interrupt)
        with pytest.raises(TimeIsUp):
            call()


def found(sessions: BlockingRedisStore, names: list[str]) -> list[object]:
    """The subject of each answer."""
    answers = map(sessions.get, names)
    return [answer and answer.id for answer in answers]


def test_the_outstanding_answer_goes_to_no_other_call(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_server.flush()
    with Proxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        sessions = blocking_store(url, params())
        known = open_many(sessions, 3)
        assert found(sessions, known) == known  # Redis has the script now
        proxy.delay(0.2)  # so that it is not there yet when the next one asks
        interrupted(lambda: sessions.get(known[0]), monkeypatch)
        assert found(sessions, known[1:]) == known[1:]
        try:
            int("of the application")
        except ValueError:  # an interruption, while an exception is being handled
            interrupted(lambda: sessions.get(known[0]), monkeypatch)
            assert found(sessions, known[1:]) == known[1:]


def test_a_connection_that_was_answered_with_an_error_is_kept(redis_server: RedisServer) -> None:
    """As after Redis lost its scripts."""
    redis_server.flush()
    with Proxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        sessions = blocking_store(url, params())
        known = open_many(sessions, 1)
        with redis_server.client() as client:
            client.script_flush()
        assert found(sessions, known) == known
        assert proxy.accepted == 1


def handling(call: Callable[[], object]) -> None:
    """Call while an exception is being handled, as a view does that reports it."""
    try:
        int("of the application")
    except ValueError:
        call()


def test_calls_while_an_exception_is_handled_share_a_connection(
    redis_server: RedisServer,
) -> None:
    redis_server.flush()
    with Proxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        sessions = blocking_store(url, params())
        known = open_many(sessions, 2)
        for _ in range(20):
            handling(lambda: found(sessions, known))
            handling(lambda: handling(lambda: sessions.log.append([PublishRequest("r", "1")])))
        with redis_server.client() as client:
            client.script_flush()
        handling(lambda: found(sessions, known))
        assert proxy.accepted == 1


async def test_calls_of_a_loop_and_its_threads_share_a_connection_too(
    redis_server: RedisServer,
) -> None:
    """asgiref's threads handle what the caller handles."""
    redis_server.flush()
    with Proxy(redis_server.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        store = loop_store(url, params())
        blocking = blocking_store(url, params())
        for _ in range(20):
            try:
                int("of the application")
            except ValueError:
                await store.stats()
                await sync_to_async(blocking.stats)()
        await store.aclose()
        assert proxy.accepted == 2


def test_a_connection_that_is_refused_is_an_outage_also_while_an_exception_is_handled() -> None:
    sessions = blocking_store("redis://127.0.0.1:1", params(timeout=1.0))
    for _ in range(20):  # more than the pool has
        with pytest.raises(StoreUnavailable, match="refused"):
            handling(sessions.stats)
        with pytest.raises(StoreUnavailable, match="refused"):
            sessions.stats()
