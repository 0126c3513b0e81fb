"""``python manage.py …`` without most of the time that imports take.

Django, Twisted and the rest are most of what a start costs, 0.8 of 1.1 seconds of CPU, and there
are hundreds of starts. Here one process has imported them, and of our modules those that need no
settings: there are no models, no reactor and no threads. Each start is a fork of it, which reads
the command line and the environment anew: a process of its own, to be signalled and killed like
any other.

Parents and their workers, plain servers, the quickstart, a server behind nginx and one under a
service manager are new interpreters, as users start them. A process with an environment that
only a new interpreter reads, such as a false clock, is one, too.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

PRELOADED = (
    "autobahn.twisted.websocket",
    "channels.routing",
    "channels_redis.pubsub",
    "django.contrib.admin",
    "django.contrib.sessions.backends.db",
    "django.contrib.staticfiles.handlers",
    "django.core.management",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "psycopg",
    "realtime.checks",
    "realtime.servers.supervisor.supervisor",
    "realtime.servers.uvicorn.server",
    "realtime.store.redis",
    "realtime.worker.rooms.rooms",
    "realtime.worker.sessions.ticker",
    "redis.asyncio",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "twisted.web.http",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
)
# Prefixes of the variables that an interpreter reads only when it starts.
HEEDED = ("LANG", "LC_", "LD_", "PYTHON")
REQUEST = 2**17  # bytes


class Forked:
    """A process, with as much of :class:`subprocess.Popen` as is used here."""

    def __init__(self, report: socket.socket) -> None:
        self._report = report
        self.pid = int(report.recv(16))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with suppress(BlockingIOError):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, or the negative number of a signal. Raises TimeoutError."""
        if self.returncode is None:
            self._report.settimeout(timeout)
            self.returncode = int(self._report.recv(16))
            self._report.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """Forks for this process, and ends with it."""

    def __init__(self, env: dict[str, str], *, cwd: Path) -> None:
        self._heeded = heeded(env)
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(other.fileno())],
                cwd=cwd,
                env=env,
                pass_fds=[other.fileno()],
            )
        atexit.register(self._end)

    def suits(self, env: dict[str, str]) -> bool:
        """Whether an interpreter with this environment would have begun in the same way."""
        return heeded(env) == self._heeded

    def fork(self, arguments: list[str], env: dict[str, str], *streams: int) -> Forked:
        """A script or module and its arguments. The descriptors are its two outputs, and its
        input where there is one."""
        report, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            request = json.dumps([arguments, env]).encode()
            socket.send_fds(self._control, [request], [*streams, other.fileno()])
        return Forked(report)

    def _end(self) -> None:
        self._control.close()
        self._process.wait()


def heeded(env: dict[str, str]) -> dict[str, str]:
    """The part of an environment that an interpreter reads once, when it starts."""
    return {name: value for name, value in env.items() if name.startswith(HEEDED)}


# The process that forks


def serve(control: socket.socket) -> str:
    """Fork on request. Returns in each child, with what it runs; at the end with nothing."""
    children: dict[int, tuple[int, int]] = {}
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready != control.fileno():
                poll.unregister(ready)
                report_end(ready, *children.pop(ready))
                continue
            request, descriptors, _, _ = socket.recv_fds(control, REQUEST, 4)
            if not request:
                return ""
            pid = os.fork()
            if not pid:
                control.detach()
                return become(*json.loads(request), *descriptors[:-1])
            child, report = os.pidfd_open(pid), descriptors.pop()
            children[child] = pid, report
            poll.register(child, select.POLLIN)
            os.write(report, b"%d" % pid)
            for descriptor in descriptors:
                os.close(descriptor)


def report_end(child: int, pid: int, report: int) -> None:
    """Say how this child has ended."""
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # its reader has gone
        os.write(report, b"%d" % os.waitstatus_to_exitcode(status))
    os.close(report)
    os.close(child)


def become(arguments: list[str], env: dict[str, str], *streams: int) -> str:
    """Become like a new interpreter. Returns its script or module."""
    for number, stream in zip((1, 2, 0), streams, strict=False):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGINT, interrupt)
    sys.argv, sys.orig_argv = arguments, [sys.executable, *arguments]
    return arguments[0]


def run(program: str) -> int:
    """Run it as the main program of an interpreter would be. Returns the exit code, or the signal
    to end by."""
    try:
        if program.endswith(".py"):
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as exit_:
        if exit_.code is None or isinstance(exit_.code, int):
            return exit_.code or 0
        sys.stderr.write(f"{exit_.code}\n")
        return 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        return signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def end(code: int) -> NoReturn:
    """End as an interpreter does, but without clearing away the imported modules: that takes
    as long as importing them did."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(code, signal.Signals):
        signal.signal(code, signal.SIG_DFL)
        os.kill(os.getpid(), code)
    os._exit(code & 0xFF)


if __name__ == "__main__":
    # Ctrl-C is for the process that asks for forks, and for these as it would have been for Python.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in PRELOADED:
        importlib.import_module(module)
    gc.freeze()  # no collection in a fork copies what it shares
    if program := serve(socket.socket(fileno=int(sys.argv[1]))):
        end(run(program))
