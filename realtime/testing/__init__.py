"""For the tests of projects: sockets without a server, an end of the worker, time that passes at
once, and publications that go nowhere. ``realtime.testing.plugin`` has the fixtures for pytest."""

from .cases import WorkerMixin
from .clock import Clock, turned_clock
from .publications import Published, capture_publications
from .sockets import Socket, connect
from .workers import stop_worker

__all__ = [
    "Clock",
    "Published",
    "Socket",
    "WorkerMixin",
    "capture_publications",
    "connect",
    "stop_worker",
    "turned_clock",
]
