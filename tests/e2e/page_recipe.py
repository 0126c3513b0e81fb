"""A page by the recipe of the docs while other requests write: to run in a project's shell.

The view and the template are those of docs/delivery.md, to the letter. Each statement of the
request is preceded by a write of another connection: a row and its publication.
"""

import asyncio
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from types import ModuleType
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection, connections, transaction
from django.test import Client, override_settings
from django.urls import path

from realtime import api
from realtime.protocol.position import Position
from realtime.testing import connect, stop_worker
from tests.test_docs import DOCS, fences, section

ROOM = "chat:lobby"
SNAPSHOTS = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ"
RECIPE = section((DOCS / "delivery.md").read_text(), "## From the page on")
[VIEW], [TEMPLATE] = fences(RECIPE, "python"), fences(RECIPE, "html")
OWN_TRANSACTION = "@transaction.non_atomic_requests"


class Message(Group):
    """A message of the page; any table does."""

    class Meta:
        proxy = True
        app_label = "auth"

    @property
    def text(self) -> str:
        return self.name


def documented(*, whole: bool = True) -> Callable[..., Any]:
    """The view of the docs; unless ``whole``, without its first decorator, so within the
    transaction of the request."""
    module = ModuleType("chat.models")
    module.__dict__["Message"] = Message
    sys.modules.update({"chat": ModuleType("chat"), "chat.models": module})
    lines = VIEW.splitlines()
    left_out = [line for line in lines if line.startswith(OWN_TRANSACTION) and not whole]
    assert len(left_out) == (not whole)
    found: dict[str, Any] = {"__name__": "chat.views"}
    exec("\n".join(line for line in lines if line not in left_out), found)
    view: Callable[..., Any] = found["lobby"]
    return view


class Writer:
    """Another request: it commits a row and publishes it."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(self._write).result()

    def _write(self) -> None:
        name = f"message {len(self.written)}"
        try:
            with transaction.atomic():
                Message.objects.create(name=name)
                api.publish(ROOM, name)
            self.written.append(name)
        finally:
            connections.close_all()

    def meddle(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Write before each statement of this thread."""
        self.write()
        return execute(*statement)


def take_snapshots() -> None:
    """Let queries of a transaction see what was committed at the first of them, and lock nothing,
    as SQLite does by default."""
    if connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["transaction_mode"] = "DEFERRED"
        connection.close()  # the next one has it
    else:
        with connection.cursor() as cursor:
            cursor.execute(SNAPSHOTS)


def visit(view: Callable[..., Any], user: User, writer: Writer) -> str:
    """The page, from a request within a transaction with a snapshot."""
    urls = ModuleType("urls_of_the_page")
    urls.__dict__["urlpatterns"] = [path("lobby/", view)]
    loader = ("django.template.loaders.locmem.Loader", {"lobby.html": TEMPLATE})
    engine = {"BACKEND": "django.template.backends.django.DjangoTemplates"}
    templates = [{**engine, "OPTIONS": {"loaders": [loader]}}]
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(user)
    take_snapshots()
    with (
        override_settings(ROOT_URLCONF=urls, TEMPLATES=templates),
        connection.execute_wrapper(writer.meddle),
    ):
        return browser.get("/lobby/").content.decode()


async def join(user: User, since: Position, count: int) -> list[str]:
    """The data that a client receives that goes on from there."""
    start = {"epoch": since.epoch, "offset": since.offset}
    async with connect(user, rooms={ROOM: start}) as socket:
        assert socket.welcome["rooms"][ROOM]["recovered"] is True
        received = [(await socket.receive("publication"))["data"] for _ in range(count)]
    await stop_worker()
    return received


def main(view: Callable[..., Any]) -> dict[str, list[str]]:
    """The texts that were written, that the page shows, and that its client receives."""
    writer, user = Writer(), User.objects.get(username="ann")
    for _ in range(3):
        writer.write()
    page = visit(view, user, writer)
    writer.write()
    shown = re.findall(r"<li data-id=\"[0-9]+\">(.*?)</li>", page)
    [since] = re.findall(r'data-since="(.*?)"', page)
    position = Position.parse(unescape(since))
    connections.close_all()
    received = asyncio.run(join(user, position, len(writer.written) - position.offset))
    return {"written": writer.written, "shown": shown, "received": received}
