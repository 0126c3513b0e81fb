"""``python -m tests.e2e.chaos.publishing``: says that it is there, publishes what it reads, line by
line, through the API that application code uses, and answers each line with a position or what
went wrong."""

import json
import sys
from typing import Any

import django


def main() -> None:
    """Serve standard input until it ends."""
    django.setup()
    from realtime.api import StoreUnavailable

    answer({})
    for line in sys.stdin:
        try:
            answer(publish(**json.loads(line)))
        except StoreUnavailable as error:
            answer({"error": str(error)})


def answer(what: dict[str, Any]) -> None:
    """One line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def publish(*, room: str, user: str, data: Any, key: str) -> dict[str, Any]:
    """To a user if one is named, else to the room."""
    from realtime import api

    if user:
        position = api.publish_to_user(user, data, key=key)
    else:
        position = api.publish(room, data, key=key)
    assert position is not None
    return {"epoch": position.epoch, "offset": position.offset}


if __name__ == "__main__":
    main()
