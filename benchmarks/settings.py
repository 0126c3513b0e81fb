"""The demo's settings, with the benchmark's application, and the worker's log down to DEBUG:
there it says how long it ticked."""

from typing import Any

from project.settings import *  # noqa: F403
from project.settings import LOGGING as DEMO_LOGGING

ASGI_APPLICATION = "benchmarks.asgi.application"

_demo: dict[str, Any] = DEMO_LOGGING
LOGGING = {**_demo, "loggers": {**_demo["loggers"], "realtime.worker": {"level": "DEBUG"}}}
