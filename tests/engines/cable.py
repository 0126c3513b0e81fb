"""The network of these tests, as a program may have one for itself, and its cable.

Only the system can take a browser offline in the same way in every engine: servers and browsers run
in a network namespace with loopback, which always works, and one more interface, which can be
unplugged. ``python -m tests.engines`` makes it.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "cable"
# An address for documentation: the route leads nowhere, and engines count routes only.
PLUG = f"ip link set {NAME} up && ip route add default via 192.0.2.2"
SETUP = f"""
ip link set lo up &&
ip link add {NAME} type veth peer name {NAME}-end && ip link set {NAME}-end up &&
ip address add 192.0.2.1/24 dev {NAME} && {PLUG} && exec "$@"
"""
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def enter(*command: str) -> None:
    """Becomes the command, in a network of its own. Raises OSError if there is no ``unshare``."""
    as_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    arguments = ["unshare", "--net", *as_user, "sh", "-c", SETUP, "sh", *command]
    os.execvpe(arguments[0], arguments, {**os.environ, "PATH": PATH})


def is_there() -> bool:
    return NAME in (name for _, name in socket.if_nameindex())


@contextmanager
def unplugged() -> Iterator[None]:
    """The machine has no network but loopback."""
    _run(f"ip link set {NAME} down")
    try:
        yield
    finally:
        _run(PLUG)


def _run(command: str) -> None:
    subprocess.run(["sh", "-c", command], env={**os.environ, "PATH": PATH}, check=True)


def run_tests(arguments: list[str]) -> None:
    folder = str(Path(__file__).parent)
    enter(sys.executable, "-m", "pytest", "-m", "deep", folder, *arguments)
