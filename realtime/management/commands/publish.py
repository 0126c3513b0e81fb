"""``manage.py publish`` publishes to a room from a shell or a script."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from realtime import api
from realtime.store.contract import StoreUnavailable

from ..messages import why_unusable
from ..store_command import StoreCommand


class Command(StoreCommand):
    help = "Publish to all sessions in a room."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("room", help="name of the room; user:<primary key> is that of a user")
        parser.add_argument("data", metavar="json", help="the data, as JSON")
        parser.add_argument("--key", help="within 5 minutes the same key publishes once")

    def handle(self, *, room: str, data: str, key: str | None, **_: Any) -> None:
        try:
            position = api.publish(room, _parsed(data), key=key)
        except ValueError as error:
            raise CommandError(str(error)) from None
        except StoreUnavailable as error:
            raise CommandError(why_unusable(error)) from None
        assert position is not None  # no transaction is open
        self.stdout.write(f"{room}: offset {position.offset}, epoch {position.epoch}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"expected JSON: {error}") from None
