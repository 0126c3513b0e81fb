"""An app whose worker cannot drain, or whose receivers take a minute; as the environment says."""

import os
import time
from typing import Any

from django.apps import AppConfig


class Undrained(AppConfig):
    name = "tests.e2e"
    label = "undrained"

    def ready(self) -> None:
        from realtime import signals
        from realtime.worker.runtime import Runtime

        if os.environ.get("FAULT") == "drain":
            setattr(Runtime, "drain", fail)  # noqa: B010
        if os.environ.get("FAULT") == "receivers":
            for signal in (signals.session_opened, signals.session_suspended, signals.room_left):
                signal.connect(sleep)


async def fail(_: Any) -> None:
    raise ZeroDivisionError("a drain that fails")


def sleep(**_: Any) -> None:
    time.sleep(60)
