"""Hints from sync code in a process without a worker, through a real Redis."""

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from channels.layers import get_channel_layer
from django.db import transaction
from django.test import override_settings

from realtime import api, composition
from realtime.bus.counters import outside_workers
from realtime.bus.hints import Hint, HintKind, parse_message
from realtime.bus.publication_batches import PublicationBatch
from realtime.publish import notifying
from realtime.publish.background_loop import background
from realtime.publish.notifying import NOTIFY_TIMEOUT, notify
from realtime.store.records import Opening, Peer
from realtime.worker import instances
from tests.polling import eventually
from tests.redis_server import RedisServer

IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def layers(server: RedisServer) -> dict[str, Any]:
    config = {"hosts": [server.url], "prefix": "hinting"}
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    return {"default": {"BACKEND": backend, "CONFIG": config}}


class GroupListener:
    """Receives what is sent to the groups of a Redis layer."""

    def __init__(self, client: redis.Redis) -> None:
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._pubsub.psubscribe("hinting__group__*")
        self._pubsub.get_message(timeout=10.0)

    def hint(self, *, within: float = 10.0) -> Hint | None:
        """The next hint, if one comes in time."""
        message = self.message(within=within)
        assert not isinstance(message, PublicationBatch)
        return message

    def message(self, *, within: float = 10.0) -> Hint | PublicationBatch | None:
        """The next hint or batch of publications."""
        message = self._pubsub.get_message(timeout=within)
        layer = get_channel_layer()
        return (
            parse_message(layer.deserialize(message["data"]), composition.signer())
            if message
            else None
        )

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def listener(redis_server: RedisServer) -> Iterator[GroupListener]:
    with override_settings(CHANNEL_LAYERS=layers(redis_server)), redis_server.client() as client:
        listener = GroupListener(client)
        yield listener
        listener.close()
        background.stop()


def connect(id_: str, user: str = "1") -> None:
    opening = Opening(id_, "hash", f"c-{id_}", "w1", Peer(user=user, login="digest"))
    composition.blocking_store().open(opening)


@pytest.mark.django_db(transaction=True)
def test_a_kick_sends_a_hint(listener: GroupListener) -> None:
    connect("a")
    api.kick("a")
    assert listener.hint() == Hint(HintKind.CLOSING, ("a",))


@pytest.mark.django_db(transaction=True)
def test_kicking_a_user_or_closing_a_login_sends_hints(listener: GroupListener) -> None:
    for id_ in ("a", "b"):
        connect(id_)
    api.kick_user(1)
    first = listener.hint()
    api.close_login("digest", 4503)  # type: ignore[arg-type]
    second = listener.hint()
    for hint in (first, second):
        assert hint is not None
        assert sorted(hint.sessions) == ["a", "b"]


@pytest.mark.django_db(transaction=True)
def test_kicking_an_unknown_session_sends_no_hint(listener: GroupListener) -> None:
    api.kick("unknown")
    notify(HintKind.CLOSING, ["last"])
    assert listener.hint() == Hint(HintKind.CLOSING, ("last",))


@pytest.mark.django_db(transaction=True)
def test_a_kick_in_a_transaction_sends_its_hint_after_the_commit(listener: GroupListener) -> None:
    connect("a")
    with transaction.atomic():
        api.kick("a")
        notify(HintKind.CLOSING, ["before the commit"])
        assert listener.hint() == Hint(HintKind.CLOSING, ("before the commit",))
    assert listener.hint() == Hint(HintKind.CLOSING, ("a",))


@pytest.mark.django_db(transaction=True)
def test_a_kick_that_is_rolled_back_sends_no_hint(listener: GroupListener) -> None:
    connect("a")
    with transaction.atomic():
        api.kick("a")
        transaction.set_rollback(True)
    notify(HintKind.CLOSING, ["last"])
    assert listener.hint() == Hint(HintKind.CLOSING, ("last",))


def test_a_hint_is_counted_outside_of_workers(listener: GroupListener) -> None:
    sent = outside_workers.commands_sent
    notify(HintKind.CLOSING, ["a"])
    eventually(lambda: outside_workers.commands_sent == sent + 1)


def test_too_many_sessions_make_one_hint_without_names(listener: GroupListener) -> None:
    notify(HintKind.CLOSING, [str(number) for number in range(101)])
    assert listener.hint() == Hint(HintKind.CLOSING)


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded")
def test_a_forked_process_sends_hints(
    listener: GroupListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "NOTIFY_TIMEOUT", 10.0)
    notify(HintKind.CLOSING, ["parent"])
    assert listener.hint() == Hint(HintKind.CLOSING, ("parent",))
    child = os.fork()
    if child == 0:
        try:
            notify(HintKind.CLOSING, ["child"])
        finally:
            os._exit(0)  # at once, as task queues end theirs: it has been sent by then
    assert listener.hint() == Hint(HintKind.CLOSING, ("child",))
    os.waitpid(child, 0)
    notify(HintKind.CLOSING, ["parent"])
    assert listener.hint() == Hint(HintKind.CLOSING, ("parent",))


def test_a_frozen_redis_delays_callers_briefly() -> None:
    with RedisServer() as server, override_settings(CHANNEL_LAYERS=layers(server)):
        server.freeze()
        began = time.monotonic()
        for number in range(200):
            notify(HintKind.CLOSING, [str(number)])
        assert time.monotonic() - began < 4 * NOTIFY_TIMEOUT
        server.thaw()
        background.stop()


def test_a_redis_that_is_gone_is_no_error() -> None:
    with RedisServer() as server, override_settings(CHANNEL_LAYERS=layers(server)):
        server.kill()
        for number in range(20):
            notify(HintKind.CLOSING, [str(number)])
        background.stop()


@pytest.mark.usefixtures("transactional_db")
@override_settings(CHANNEL_LAYERS=IN_MEMORY)
def test_a_worker_whose_loop_closes_meanwhile_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with asyncio.Runner() as runner:
        worker = runner.run(instances.start())
        runner.run(worker.stop())
    monkeypatch.setattr(instances, "running", lambda: [worker])
    notify(HintKind.CLOSING, ["a"])


@override_settings(CHANNEL_LAYERS=IN_MEMORY)
def test_within_one_process_nothing_is_started() -> None:
    background.stop()
    notify(HintKind.CLOSING, ["a"])
    assert background._thread is None
