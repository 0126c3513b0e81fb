"""An app that writes one line per signal to the file SIGNAL_LOG, whichever process sends it,
and says on SIGUSR2 how many tasks its loop has."""

import asyncio
import os
import signal as signals_of_the_system
import sys
import threading
from typing import Any

from django.apps import AppConfig


class Receivers(AppConfig):
    name = "tests.e2e"

    def ready(self) -> None:
        from realtime import signals

        for name in ("opened", "suspended", "resumed", "closed"):
            signal = getattr(signals, f"session_{name}")
            signal.connect(_writer(name), weak=False, dispatch_uid=name)
        if threading.current_thread() is threading.main_thread():
            signals_of_the_system.signal(signals_of_the_system.SIGUSR2, _say_tasks)


def _say_tasks(*_: object) -> None:
    sys.stdout.write(f"tasks: {len(asyncio.all_tasks())}\n")
    sys.stdout.flush()


def _writer(name: str) -> Any:
    def write(*, session: Any, code: int = 0, **_: Any) -> None:
        # One write with O_APPEND: lines of several processes stay whole.
        file = os.open(os.environ["SIGNAL_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{name} {session.id} {code}\n".encode())
        os.close(file)

    return write
