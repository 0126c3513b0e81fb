"""The circumstances of the figures: the machine and the versions."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from benchmarks.kinds import NODE_PEER

PACKAGES = (
    *("Django", "channels", "daphne", "autobahn", "Twisted", "uvicorn", "websockets"),
    *("httptools", "uvloop", "msgspec", "redis", "python-socketio"),
)


def circumstances() -> dict[str, str]:
    """Each by its name, as text."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "CPU": f"{_cpu()}, {os.cpu_count()} cores",
        "load average before": f"{os.getloadavg()[0]:.2f}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Node": _said_by("node", "--version").lstrip("v"),
        "Socket.IO": _socket_io(),
        "redis-server": _said_by("redis-server", "--version").partition("v=")[2].partition(" ")[0],
        **{name: version(name) for name in PACKAGES},
    }


def as_sentence(found: Mapping[str, str]) -> str:
    """Everything in one paragraph."""
    plain = ("date", "CPU")
    rest = [f"{name} {value}" for name, value in found.items() if name not in plain and value]
    return f"{found['date']}, {found['CPU']}; {', '.join(rest)}."


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def _said_by(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _socket_io() -> str:
    installed = NODE_PEER.parent / "node_modules" / "socket.io" / "package.json"
    return str(json.loads(installed.read_text())["version"]) if installed.exists() else ""
