# ruff: noqa: E402
"""Publishes from green threads, uses the ORM beside it: ``python -m tests.e2e.green gevent``.

Prints the outcomes, counted. Patches before anything else is imported, as it has to be.
"""

import sys

KIND = sys.argv[1]
if KIND == "gevent":
    from gevent import monkey

    monkey.patch_all()
else:
    import eventlet

    eventlet.monkey_patch()

import json
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.e2e.demo_settings")
django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections

from realtime import api

CALLS = 40


def outcome(call: Callable[[], object]) -> str:
    """The exception that it raises, or "done"."""
    try:
        call()
        connections.close_all()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def one(number: int) -> tuple[str, str, str]:
    """Publish, kick, then use the ORM, in a green thread."""
    published = outcome(lambda: api.publish("news", number))
    kicked = outcome(lambda: api.kick_user(number))
    return published, kicked, outcome(get_user_model().objects.count)


def main() -> None:
    call_command("migrate", verbosity=0)
    with ThreadPoolExecutor(10) as pool:  # of green threads
        outcomes = list(pool.map(one, range(CALLS)))
    print(json.dumps([Counter(each) for each in zip(*outcomes, strict=True)]))  # noqa: T201


if __name__ == "__main__":
    main()
