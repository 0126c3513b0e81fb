"""The servers that are compared, and how each is started."""

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_PEER = Path(__file__).resolve().parent / "peers" / "node" / "server.js"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server runs: its port, a folder of its own, the beat interval in seconds, the
    address of its Redis or ""."""

    port: int
    folder: Path
    interval: float
    redis: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of server. ``dialect`` is what the load generator has to speak to it.

    ``settling`` is how many beat intervals after the last connect its beats have found
    their rhythm; ``is_ours`` says that it has a store.
    """

    name: str
    title: str
    dialect: str
    command: Callable[[Place], Sequence[str]]
    environ: Callable[[Place], Mapping[str, str]]
    prepare: Sequence[str] = ()
    settling: int = 1
    is_ours: bool = False


def _our_environ(place: Place) -> Mapping[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": f"sqlite:///{place.folder / 'db.sqlite3'}",
        "REALTIME_ALLOW_ANONYMOUS": "1",
        "REALTIME_MAX_UNGREETED": "0",  # all come from one address
        "REALTIME_PING_INTERVAL": str(place.interval),
        "REALTIME_PONG_TIMEOUT": str(min(10.0, place.interval)),
        "REALTIME_STORE": place.redis or "database",
        "REDIS_URL": place.redis,
    }


def _ours(server: str) -> Kind:
    def command(place: Place) -> Sequence[str]:
        serve = (sys.executable, "manage.py", "serve", "--port", str(place.port))
        return (*serve, "--server", server)

    return Kind(
        name=f"ours-{server}",
        title=f"ours, {server}",
        dialect="realtime",
        command=command,
        environ=_our_environ,
        prepare=(sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"),
        is_ours=True,
    )


def _peer_environ(place: Place) -> Mapping[str, str]:
    return {"INTERVAL": str(place.interval)}


# Access logs are off everywhere: ours writes none either.


def _on_daphne(application: str) -> Callable[[Place], Sequence[str]]:
    return lambda place: (
        *(sys.executable, "-m", "daphne", "--bind", "127.0.0.1", "--port", str(place.port)),
        *("--verbosity", "0", application),
    )


def _on_uvicorn(application: str) -> Callable[[Place], Sequence[str]]:
    return lambda place: (
        *(sys.executable, "-m", "uvicorn", "--port", str(place.port)),
        *("--log-level", "warning", "--no-access-log", application),
    )


def _usual(server: str, command: Callable[[str], Callable[[Place], Sequence[str]]]) -> Kind:
    return Kind(
        name=f"usual-{server}",
        title=f"usual consumer, {server}",
        dialect="usual",
        command=command("benchmarks.peers.usual:application"),
        environ=_peer_environ,
    )


PYTHON_SOCKETIO = Kind(
    name="python-socketio",
    title="python-socketio, uvicorn",
    dialect="socketio",
    command=_on_uvicorn("benchmarks.peers.python_socketio:application"),
    environ=_peer_environ,
    settling=2,
)

NODE = Kind(
    name="node",
    title="Socket.IO, Node",
    dialect="socketio",
    command=lambda place: ("node", str(NODE_PEER), str(place.port)),
    environ=lambda place: {**_peer_environ(place), "NODE_ENV": "production"},
    settling=2,
)

BARE = Kind(
    name="bare",
    title="bare loop, Python",
    dialect="usual",
    command=lambda place: (sys.executable, "-m", "benchmarks.peers.bare", str(place.port)),
    environ=_peer_environ,
)

_ALL = (
    _ours("uvicorn"),
    _ours("daphne"),
    NODE,
    PYTHON_SOCKETIO,
    _usual("uvicorn", _on_uvicorn),
    _usual("daphne", _on_daphne),
    BARE,
)
KINDS = {kind.name: kind for kind in _ALL}
