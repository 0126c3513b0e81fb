"""The client needs no Django: neither it nor its wire imports a framework."""

import subprocess
import sys

FOREIGN = (
    "asgiref",
    "channels",
    "channels_redis",
    "daphne",
    "django",
    "redis",
    "twisted",
    "uvicorn",
)
SCRIPT = f"""
import sys
import realtime.client, realtime.client.__main__
print(*sorted(sys.modules.keys() & {set(FOREIGN)!r}))
"""


def test_it_imports_no_framework() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []
