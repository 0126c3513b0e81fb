"""A reply that is lost after its write: the same call again has no second effect."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from realtime.store.contract import BlockingStore, StoreContract, StoreUnavailable
from realtime.store.log import LogContract, PublishRequest
from realtime.store.records import Query, Registration, SessionLimit, SweepReport, Totals
from realtime.store.redis import blocking_store
from tests.faults import Proxy
from tests.redis_server import RedisServer

from .builders import (
    closing,
    departure,
    found,
    opening,
    operations_of,
    report,
    returning,
    suspended,
    update,
)
from .store_fixtures import params

Scene = tuple[Callable[[BlockingStore], object], Callable[[BlockingStore], object]]


def two_at_w1(store: BlockingStore) -> None:
    """Two sessions of one user, as their worker last reported them."""
    for id_ in ("s1", "s2"):
        rooms, presence = ("chat:1", "news"), {"news": '{"n":1}'}
        store.open(opening(id_, login="l1", rooms=rooms, presence=presence))
    store.beat(report(pings=3), [update("s1", missed=1), update("s2")])


def with_s1_suspended(store: BlockingStore) -> None:
    two_at_w1(store)
    store.suspend("w1", [departure()])


def with_s1_asked_to_end(store: BlockingStore) -> None:
    with_s1_suspended(store)
    store.request_close(session="s1", code=4500, reason="enough")


def registration(store: BlockingStore) -> Registration:
    session = found(store)
    return Registration(replace(session, generation=3), "token of s1", "s1, third")


REPORT = SweepReport(1, 2, 3, 4, 5.0)

# The calls before, and the call whose reply is lost: every method of the contract.
SCENES: dict[str, Scene] = {
    "open": (two_at_w1, lambda s: s.open(opening("s3", rooms=("news",), presence={"news": "{}"}))),
    "open at the limit": (
        two_at_w1,
        lambda s: s.open(opening("s3"), limit=SessionLimit(2, evict_oldest=True)),
    ),
    "resume": (suspended, lambda s: s.resume(returning())),
    "take over": (two_at_w1, lambda s: s.resume(returning(rooms=("chat:2",)))),
    "change_login": (two_at_w1, lambda s: s.change_login("s1", "s1, first", "another")),
    "beat": (
        two_at_w1,
        lambda s: s.beat(
            report(pings=7), [update(missed=2, totals=Totals(pings=9), rooms=(), presence={})]
        ),
    ),
    "register": (two_at_w1, lambda s: s.register("w1", [registration(s)])),
    "suspend": (two_at_w1, lambda s: s.suspend("w1", [departure(rooms=()), departure("s2")])),
    "close": (two_at_w1, lambda s: s.close("w1", [departure(code=1000)], "w1")),
    "confirm": (closing, lambda s: s.confirm(["s1"])),
    "request_close of a session": (
        two_at_w1,
        lambda s: s.request_close(session="s1", code=4500, reason="enough"),
    ),
    "request_close of a user": (
        with_s1_suspended,
        lambda s: s.request_close(user="7", code=4500, reason="enough"),
    ),
    "request_close of a login": (
        two_at_w1,
        lambda s: s.request_close(login="l1", code=4503, reason="logged out"),
    ),
    "leave": (two_at_w1, lambda s: s.leave("w1")),
    "probe": (two_at_w1, lambda s: s.probe()),
    "sample": (two_at_w1, lambda s: s.sample()),
    "sweep": (with_s1_asked_to_end, lambda s: s.sweep("w1").claimed),
    "note_sweep": (two_at_w1, lambda s: s.note_sweep(REPORT)),
    "get": (two_at_w1, lambda s: s.get("s1")),
    "page": (two_at_w1, lambda s: s.page(Query())),
    "of_user": (two_at_w1, lambda s: s.of_user("7")),
    "presence": (two_at_w1, lambda s: s.presence({"news": "", "chat:1": ""})),
    "attendance": (two_at_w1, lambda s: s.attendance("news")),
    "stats": (two_at_w1, lambda s: s.stats()),
    "workers": (two_at_w1, lambda s: s.workers()),
    "samples": (two_at_w1, lambda s: s.samples()),
    "overdue": (with_s1_asked_to_end, lambda s: s.overdue()),
}

DRAFTS = [
    PublishRequest("a", "1", key="k1"),
    PublishRequest("b", "2", key="k2"),
    PublishRequest("a", "3", key="k3"),
]


def published(store: BlockingStore) -> None:
    store.log.append(DRAFTS[:2])


# The same of the message log; what else it has asks nothing of Redis.
LOG_SCENES: dict[str, Scene] = {
    "append": (two_at_w1, lambda s: s.log.append(DRAFTS)),
    "append what is partly there": (published, lambda s: s.log.append(DRAFTS)),
    "read": (published, lambda s: s.log.read("a", after=0, limit=10, max_bytes=100)),
    "read a room that is new": (
        published,
        lambda s: s.log.read("c", after=0, limit=10, max_bytes=100),
    ),
    "ends": (published, lambda s: s.log.ends(["a", "c"])),
}


@pytest.fixture(scope="module")
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def _empty(redis_server: RedisServer) -> None:
    redis_server.flush()


def timeless(value: Any) -> Any:
    """The same without times, which differ between two runs, and without random names."""
    if isinstance(value, dict):
        random = ("incarnation", "epoch", "fresh", "version")
        return {name: timeless(item) for name, item in value.items() if name not in random}
    if isinstance(value, list | tuple):
        return [timeless(item) for item in value]
    if isinstance(value, int) and value > 1_000_000_000_000:
        return "a moment"
    if isinstance(value, str | int | float | None):
        return value
    return timeless(msgspec.to_builtins(value))  # a record


def contents(store: BlockingStore) -> list[Any]:
    """Everything that a store's reads return."""
    reads = (
        store.page(Query()), store.stats(), store.workers(), store.samples(), store.overdue(),
        store.of_user("7"), store.beat(report(), []).inbox, store.attendance("news"),
        store.attendance("chat:1"), store.attendance("chat:2"),
        store.presence({"news": "", "chat:1": ""}),
    )  # fmt: skip
    logs = [store.log.read(room, after=0, limit=10, max_bytes=100) for room in "abc"]
    return [timeless(each) for each in (*reads, *logs)]


def news_aside(answer: Any) -> Any:
    """The part of a result that a repeat has to return as well."""
    return [answer.online, answer.inbox, answer.lost] if hasattr(answer, "renewed") else answer


@pytest.mark.parametrize(
    "scene", [*SCENES.values(), *LOG_SCENES.values()], ids=[*SCENES, *LOG_SCENES]
)
def test_a_repeated_call_has_no_second_effect(
    scene: Scene, proxy: Proxy, redis_server: RedisServer
) -> None:
    prepare, call = scene
    once = blocking_store(redis_server.url, params(prefix="once"))
    through = f"redis://127.0.0.1:{proxy.port}/0"
    twice = blocking_store(through, params(prefix="twice"))
    for store in (once, twice):
        prepare(store)
    expected = call(once)  # also loads the script, which would be a request of its own
    cuts = proxy.cuts
    proxy.cut_replies(to=b"EVALSHA")
    with pytest.raises(StoreUnavailable):
        call(twice)
    assert proxy.cuts == cuts + 1
    assert timeless(news_aside(call(twice))) == timeless(news_aside(expected))
    assert contents(twice) == contents(once)


def test_every_method_has_a_scene() -> None:
    methods = {operation.name for operation in operations_of(StoreContract)}
    methods.remove("own")  # see test_ownership.py
    assert methods == {name.split()[0].replace("take", "resume") for name in SCENES}


def test_every_method_of_the_log_has_a_scene() -> None:
    methods = {operation.name for operation in operations_of(LogContract)}
    assert methods - {"recent", "prune"} == {name.split()[0] for name in LOG_SCENES}
