"""The application with rooms; on SIGUSR2 its worker says how much it keeps in mind."""

import asyncio
import json
import signal
import sys

from realtime.worker import instances

from .rooms_app import application

__all__ = ["application"]


def _say(*_: object) -> None:
    (worker,) = instances.running()
    subscriptions = worker.bus.subscriptions
    census = {
        "tasks": len(asyncio.all_tasks(worker.loop)),
        "sessions": len(worker.hub.connected()),
        "rooms": len(list(worker.rooms.names())),
        "audits": len(worker.rooms._audits._last_audit),
        "subscribed": len(subscriptions._joined),
        "to be joined": len(subscriptions._due),
    }
    sys.stdout.write(f"census {json.dumps(census)}\n")
    sys.stdout.flush()


signal.signal(signal.SIGUSR2, _say)
