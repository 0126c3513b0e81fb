"""Presence, from ``describe_presence`` to the frames of those who are in the same room."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User

from realtime.consumers import ANONYMOUS, Login, RealtimeConsumer
from realtime.store.contract import StoreUnavailable
from realtime.worker.runtime import Runtime
from tests.polling import eventually_in_loop
from tests.test_docs import INTEGRATION, fences, section

from .client import HELLO, Client

ROOM = "chat:1"


class Described(RealtimeConsumer):
    """Each user is described by what the test says; "" is an anonymous client."""

    user = "7"
    described: Any = {"name": "Ada"}
    calls: list[tuple[str, str]] = []

    async def authenticate(self) -> Login:
        return Login(key="", user=self.user, username="ada") if self.user else ANONYMOUS

    async def authorize(self, room: str, action: str) -> bool:
        return True

    async def describe_presence(self, room: str, user: str) -> Any:
        self.calls.append((room, user))
        if isinstance(self.described, Exception):
            raise self.described
        return self.described


def consumer(user: str = "7", described: Any = None, **more: Any) -> type[Described]:
    given = {"name": user} if described is None else described
    return type("Consumer", (Described,), {"user": user, "described": given, "calls": [], **more})


class Undescribed(Described):
    """As an application that knows nothing of presence."""

    describe_presence = RealtimeConsumer.describe_presence


async def arrive(
    consumer: type[RealtimeConsumer], *rooms: str, resume: Any = None
) -> tuple[Client, dict[str, Any]]:
    client = Client(consumer)
    await client.connect()
    await client.send_message(**HELLO, rooms=dict.fromkeys(rooms), resume=resume)
    welcome = await client.receive_message()
    assert welcome["type"] == "welcome"
    return client, welcome


async def ask(client: Client, room: str = ROOM, *, id_: int = 1) -> dict[str, Any]:
    await client.send_message(type="presence", id=id_, room=room)
    answer = await client.receive_message()
    assert answer["id"] == id_
    return answer


def seen(answer: dict[str, Any]) -> tuple[int, int, list[str]]:
    """The sessions, the users, and the keys of those listed."""
    return answer["sessions"], answer["users"], [user["user"] for user in answer["list"]]


async def poll(worker: Runtime) -> None:
    """Report to the store, and let a second pass for the pictures."""
    await worker.beats.flush()
    for watched in worker.presences._rooms.values():
        watched.due = 0.0
    await worker.presences.poll()


@pytest.mark.usefixtures("worker")
async def test_users_are_described_to_each_other() -> None:
    ada, _ = await arrive(consumer("7", {"name": "Ada"}), ROOM)
    bo, _ = await arrive(consumer("8", {"name": "Bo", "tags": ["ä", 1.5]}), ROOM)
    assert await ask(bo) == {
        "type": "presence",
        "room": ROOM,
        "sessions": 2,
        "users": 2,
        "list": [
            {"user": "7", "data": {"name": "Ada"}},
            {"user": "8", "data": {"name": "Bo", "tags": ["ä", 1.5]}},
        ],
        "id": 1,
    }
    await ada.disconnect()
    await bo.disconnect()


@pytest.mark.usefixtures("worker")
async def test_an_application_that_describes_no_user_lists_none() -> None:
    client, _ = await arrive(Undescribed, ROOM)
    anonymous, _ = await arrive(type("Anonymous", (Undescribed,), {"user": ""}), ROOM)
    assert seen(await ask(client)) == seen(await ask(anonymous)) == (0, 0, [])
    await client.disconnect()
    await anonymous.disconnect()


@pytest.mark.usefixtures("worker")
async def test_anonymous_clients_are_counted_without_being_described() -> None:
    nameless = consumer("")
    anonymous, _ = await arrive(nameless, ROOM)
    ada, _ = await arrive(consumer("7"), ROOM)
    assert seen(await ask(ada)) == (2, 1, ["7"])
    assert nameless.calls == []
    await anonymous.disconnect()
    await ada.disconnect()


@pytest.mark.usefixtures("worker")
async def test_a_room_must_be_joined_and_have_a_valid_name() -> None:
    client, _ = await arrive(consumer(), ROOM)
    assert (await ask(client, "chat:2"))["code"] == "not_joined"
    assert (await ask(client, "no room"))["code"] == "invalid_message"
    assert (await ask(client, "user:8"))["code"] == "forbidden"
    assert seen(await ask(client, "user:7")) == (0, 0, [])
    await client.send_message(type="leave", id=2, room=ROOM)
    await client.receive_message()
    assert (await ask(client))["code"] == "not_joined"
    await client.disconnect()


async def test_a_join_is_described_once_and_a_resume_again(worker: Runtime) -> None:
    described = consumer("7")
    client, welcome = await arrive(described, ROOM)
    await client.send_message(type="join", id=2, room="chat:2")
    assert (await client.receive_message())["type"] == "joined"
    await client.send_message(type="join", id=3, room="chat:2")
    assert (await client.receive_message())["type"] == "joined"
    assert described.calls == [(ROOM, "7"), ("chat:2", "7")]
    await poll(worker)
    assert seen(await ask(client, "chat:2")) == (1, 1, ["7"])
    described.described = {"name": "Ada Lovelace"}
    ticket = {key: welcome[key] for key in ("session", "token")}
    again, welcome = await arrive(described, ROOM, resume=ticket)
    assert welcome["resumed"]
    answer = await ask(again)
    assert (seen(answer), answer["list"][0]["data"]) == ((1, 1, ["7"]), described.described)
    assert described.calls[2:] == [(ROOM, "7")]
    await client.disconnect()
    await again.disconnect()


async def test_changes_come_until_the_client_leaves_the_room(worker: Runtime) -> None:
    ada, _ = await arrive(consumer("7"), ROOM)
    assert seen(await ask(ada)) == (1, 1, ["7"])
    bo, _ = await arrive(consumer("8"), ROOM)
    await poll(worker)
    bo_data = {"user": "8", "data": {"name": "8"}}
    head = {"type": "presence", "room": ROOM}
    change = {**head, "sessions": 2, "users": 2, "joined": [bo_data], "left": []}
    assert await ada.receive_message() == change
    other_tab, _ = await arrive(consumer("8"), ROOM)
    await poll(worker)
    change = {**head, "sessions": 3, "users": 2, "joined": [], "left": []}
    assert await ada.receive_message() == change
    for client, sessions, left in ((bo, 2, []), (other_tab, 1, ["8"])):
        await client.send_message(type="bye")
        await client.end()
        await eventually_in_loop(lambda: not len(worker.disconnects))
        await poll(worker)
        change = {**head, "sessions": sessions, "users": 3 - len(left) - 1, "joined": []}
        assert await ada.receive_message() == {**change, "left": left}
    await ada.send_message(type="leave", id=9, room=ROOM)
    assert (await ada.receive_message())["type"] == "left"
    cy, _ = await arrive(consumer("9"), ROOM)
    await poll(worker)
    assert await ada.receive_nothing(0.05)
    await ada.disconnect()
    await cy.disconnect()


async def test_leaving_a_room_ends_the_presence_there(worker: Runtime) -> None:
    ada, _ = await arrive(consumer("7"), ROOM)
    bo, _ = await arrive(consumer("8"), ROOM, "chat:2")
    await ask(ada)
    await bo.send_message(type="leave", id=2, room=ROOM)
    await bo.receive_message()
    await poll(worker)
    assert (await ada.receive_message())["left"] == ["8"]
    assert seen(await ask(bo, "chat:2")) == (1, 1, ["8"])
    await ada.disconnect()
    await bo.disconnect()


async def test_a_lost_connection_is_no_change(worker: Runtime) -> None:
    ada, _ = await arrive(consumer("7"), ROOM)
    bo, _ = await arrive(consumer("8"), ROOM)
    assert seen(await ask(ada)) == (2, 2, ["7", "8"])
    await bo.disconnect(code=1006)
    await eventually_in_loop(lambda: not len(worker.disconnects))
    await poll(worker)
    assert await ada.receive_nothing(0.05)
    assert (await worker.store.stats()).suspended == 1
    await ada.disconnect()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("described", "logged"),
    [
        ("Ada", "expected a dict or None, not str"),
        ({"name": "x" * 1024}, "expected at most 1024 bytes of JSON, not 1035"),
        ({"name": "é" * 512}, "expected at most 1024 bytes of JSON, not 1035"),
        ({"name": object()}, "expected data that JSON can express"),
        ({"name": float("nan")}, "expected data that JSON can express"),
        (ZeroDivisionError("a defect"), "ZeroDivisionError: a defect"),
    ],
    ids=["text", "large", "large in bytes", "object", "nan", "exception"],
)
async def test_a_description_that_cannot_be_sent_is_logged_and_not_there(
    described: Any, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    ada, _ = await arrive(consumer("7", described), ROOM)
    bo, _ = await arrive(consumer("8"), ROOM)
    assert seen(await ask(ada)) == seen(await ask(bo)) == (1, 1, ["8"])
    assert "a handler of the application failed: describe_presence, user 7 (ada)" in caplog.text
    assert logged in caplog.text
    await ada.disconnect()
    await bo.disconnect()


@pytest.mark.usefixtures("worker")
async def test_a_description_of_1024_bytes_is_sent() -> None:
    client, _ = await arrive(consumer("7", {"n": "x" * 1016}), ROOM)
    assert len((await ask(client))["list"][0]["data"]["n"]) == 1016
    await client.disconnect()


@pytest.mark.usefixtures("worker")
async def test_a_description_that_needs_a_store_that_is_away_is_asked_for_again() -> None:
    away = consumer("7", StoreUnavailable("away"))
    client = Client(away)
    await client.connect()
    await client.send_message(**HELLO, rooms={ROOM: None})
    _, code = await client.end()
    assert code == 4009
    client, _ = await arrive(away)
    await client.send_message(type="join", id=2, room=ROOM)
    assert (await client.receive_message())["code"] == "unavailable"
    away.described = {}
    await client.send_message(type="join", id=3, room=ROOM)
    assert (await client.receive_message())["type"] == "joined"
    await client.disconnect()


async def test_a_store_that_is_away_makes_the_client_ask_again(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = await arrive(consumer("7"), ROOM)

    async def fail(rooms: Any) -> Any:
        raise StoreUnavailable("away")

    with monkeypatch.context() as away:
        away.setattr(worker.presences, "_read", fail)
        assert (await ask(client))["code"] == "unavailable"
    assert seen(await ask(client)) == (1, 1, ["7"])
    await client.disconnect()


async def test_a_client_that_leaves_while_the_store_answers_watches_nothing(
    worker: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = await arrive(consumer("7"), ROOM)
    read, asked, answered = worker.presences._read, asyncio.Event(), asyncio.Event()

    async def slow(rooms: Any) -> Any:
        asked.set()
        await answered.wait()
        return await read(rooms)

    monkeypatch.setattr(worker.presences, "_read", slow)
    await client.send_message(type="presence", id=1, room=ROOM)
    await asyncio.wait_for(asked.wait(), 10)
    await client.disconnect(code=1006)
    answered.set()
    await eventually_in_loop(lambda: not len(worker.disconnects))
    assert not worker.presences._rooms


@pytest.mark.usefixtures("worker")
async def test_the_chat_of_the_docs_shows_who_is_there() -> None:
    [code] = fences(section(INTEGRATION, "## Presence"), "python")
    names: dict[str, Any] = {}
    exec(compile(code, "integration.md", "exec"), names)
    ada = await User.objects.acreate_user("ada", first_name="Ada")
    bo = await User.objects.acreate_user("bo")

    def of(user: User) -> type[RealtimeConsumer]:
        async def authenticate(_: Any) -> Login:
            return Login(key="", user=str(user.pk), username=user.get_username())

        return type("Chat", (names["ChatConsumer"],), {"authenticate": authenticate})

    rooms = (ROOM, "chat:confessions")
    one, _ = await arrive(of(ada), *rooms)
    other, _ = await arrive(of(bo), *rooms)
    listed = (await ask(one))["list"]
    assert {user["data"]["name"] for user in listed} == {"Ada", "bo"}
    assert seen(await ask(one, "chat:confessions")) == (0, 0, [])
    await one.disconnect()
    await other.disconnect()
