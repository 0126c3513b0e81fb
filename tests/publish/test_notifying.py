"""Hints from sync code in a process without a worker, through a real Redis."""

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
from realtime.bus.hints import Hint, HintKind, parse_message
from realtime.bus.publication_batches import PublicationBatch
from realtime.publish import notifying
from realtime.publish.background_loop import background
from realtime.publish.notifying import NOTIFY_TIMEOUT, notify
from realtime.store.records import Opening, Peer
from tests.redis_server import RedisServer

IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def layers(server: RedisServer) -> dict[str, Any]:
    config = {"hosts": [server.url], "prefix": "hinting"}
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    return {"default": {"BACKEND": backend, "CONFIG": config}}


class Ear:
    """Somebody who hears what is published on a Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self._pubsub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._pubsub.psubscribe("hinting__group__*")
        self._pubsub.get_message(timeout=10.0)

    def hint(self, *, within: float = 10.0) -> Hint | None:
        """The next hint, if one comes in time."""
        news = self.news(within=within)
        assert not isinstance(news, PublicationBatch)
        return news

    def news(self, *, within: float = 10.0) -> Hint | PublicationBatch | None:
        """The next hint or bundle of publications."""
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
def ear(redis_server: RedisServer) -> Iterator[Ear]:
    with override_settings(CHANNEL_LAYERS=layers(redis_server)), redis_server.client() as client:
        ear = Ear(client)
        yield ear
        ear.close()
        background.stop()


def connect(id_: str, user: str = "1") -> None:
    opening = Opening(id_, "hash", f"c-{id_}", "w1", Peer(user=user, login="digest"))
    composition.blocking_store().open(opening)


@pytest.mark.django_db(transaction=True)
def test_a_kick_is_told(ear: Ear) -> None:
    connect("a")
    api.kick("a")
    assert ear.hint() == Hint(HintKind.CLOSING, ("a",))


@pytest.mark.django_db(transaction=True)
def test_so_are_the_sockets_of_a_user_and_of_a_login(ear: Ear) -> None:
    for id_ in ("a", "b"):
        connect(id_)
    api.kick_user(1)
    first = ear.hint()
    api.close_login("digest", 4503)  # type: ignore[arg-type]
    second = ear.hint()
    for hint in (first, second):
        assert hint is not None
        assert sorted(hint.sessions) == ["a", "b"]


@pytest.mark.django_db(transaction=True)
def test_of_a_session_nobody_knows_nothing_is_told(ear: Ear) -> None:
    api.kick("unknown")
    notify(HintKind.CLOSING, ["last"])
    assert ear.hint() == Hint(HintKind.CLOSING, ("last",))


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_it_is_told_when_others_can_see_it(ear: Ear) -> None:
    connect("a")
    with transaction.atomic():
        api.kick("a")
        notify(HintKind.CLOSING, ["before the commit"])
        assert ear.hint() == Hint(HintKind.CLOSING, ("before the commit",))
    assert ear.hint() == Hint(HintKind.CLOSING, ("a",))


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_not_told(ear: Ear) -> None:
    connect("a")
    with transaction.atomic():
        api.kick("a")
        transaction.set_rollback(True)
    notify(HintKind.CLOSING, ["last"])
    assert ear.hint() == Hint(HintKind.CLOSING, ("last",))


def test_too_many_to_be_named_make_everybody_look(ear: Ear) -> None:
    notify(HintKind.CLOSING, [str(number) for number in range(101)])
    assert ear.hint() == Hint(HintKind.CLOSING)


@pytest.mark.filterwarnings("ignore:This process.*multi-threaded")
def test_a_forked_process_tells_as_well(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "NOTIFY_TIMEOUT", 10.0)
    notify(HintKind.CLOSING, ["parent"])
    assert ear.hint() == Hint(HintKind.CLOSING, ("parent",))
    child = os.fork()
    if child == 0:
        try:
            notify(HintKind.CLOSING, ["child"])
        finally:
            os._exit(0)  # at once, as task queues end theirs: it has been sent by then
    assert ear.hint() == Hint(HintKind.CLOSING, ("child",))
    os.waitpid(child, 0)
    notify(HintKind.CLOSING, ["parent"])
    assert ear.hint() == Hint(HintKind.CLOSING, ("parent",))


def test_nobody_waits_long_for_a_redis_that_stands_still() -> None:
    with RedisServer() as server, override_settings(CHANNEL_LAYERS=layers(server)):
        server.freeze()
        began = time.monotonic()
        for number in range(200):
            notify(HintKind.CLOSING, [str(number)])
        assert time.monotonic() - began < 4 * NOTIFY_TIMEOUT
        server.thaw()
        background.stop()


def test_a_redis_that_has_gone_is_no_error() -> None:
    with RedisServer() as server, override_settings(CHANNEL_LAYERS=layers(server)):
        server.kill()
        for number in range(20):
            notify(HintKind.CLOSING, [str(number)])
        background.stop()


@override_settings(CHANNEL_LAYERS=IN_MEMORY)
def test_where_nobody_can_hear_nothing_is_begun() -> None:
    background.stop()
    notify(HintKind.CLOSING, ["a"])
    assert background._thread is None
