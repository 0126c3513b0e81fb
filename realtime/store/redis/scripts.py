"""The scripts of ``lua/`` and their calls: one msgpack value in, one out."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from realtime.protocol.codes import FINAL

from ..contract import BATCH, REQUESTED_END_MS, TOMBSTONE_MS
from ..timeouts import Timeouts

T = TypeVar("T")

_FOLDER = Path(__file__).parent / "lua"


def _scripts_in(folder: Path, *prelude: Path) -> dict[str, str]:
    """The scripts of a folder by name, each after the text of the prelude."""
    before = "\n".join(part.read_text() for part in prelude)
    return {path.stem: f"{before}\n{path.read_text()}" for path in folder.glob("*.lua")}


def _prelude(folder: Path, *parts: str) -> list[Path]:
    return [folder / "prelude" / f"{part}.lua" for part in parts]


_HISTORY = _prelude(_FOLDER, "history")
_REGISTRY = _scripts_in(
    _FOLDER,
    *_prelude(
        _FOLDER,
        "keys",
        "tombstones",
        "requested_ends",
        "session",
        "presence",
        "indexes",
        "state",
        "changes",
        "leases",
        "order",
    ),
    *_HISTORY,
)
_LOG_FOLDER = _FOLDER / "log"
_LOG = _scripts_in(
    _LOG_FOLDER, *_prelude(_LOG_FOLDER, "keys"), *_HISTORY, *_prelude(_LOG_FOLDER, "log")
)

SCRIPTS = _REGISTRY | {f"log/{name}": text for name, text in _LOG.items()}


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A script, its argument as msgpack, and the rooms it concerns, if it is one of the log."""

    script: str
    payload: bytes
    rooms: tuple[str, ...] = ()

    def keys(self, prefix: str) -> list[str]:
        """The prefix of all keys, and of each room's keys; no room's name has a "/"."""
        return [f"{{{prefix}}}:", *(f"{{{prefix}}}:log:{room}/" for room in self.rooms)]


# A contract method without its I/O: it yields script calls, is sent their answers, and returns a
# record. A driver runs it and waits, in a thread or on an event loop.
ScriptSteps: TypeAlias = Generator[ScriptCall, bytes, T]


class ScriptCalls:
    """Makes calls. Only tests change ``clock_offset`` (seconds) and ``batch``: how many entries a
    script examines before it leaves the rest to another call."""

    def __init__(
        self, timeouts: Timeouts, *, clock_offset: float = 0.0, batch: int = BATCH
    ) -> None:
        self.timeouts = timeouts
        self.clock_offset = clock_offset
        self.batch = batch

    def __call__(self, script: str, **given: Any) -> ScriptCall:
        """A call of this script with these values, and those that every script is given.

        Raises ValueError for a text that is not Unicode, such as half a surrogate pair.
        """
        timeouts = self.timeouts
        payload = {
            "lease_ms": timeouts.lease_ms,
            "resume_ms": timeouts.resume_ms,
            "session_ms": timeouts.session_ms,
            "claim_ms": timeouts.claim_ms,
            "tombstone_ms": TOMBSTONE_MS,
            "requested_end_ms": REQUESTED_END_MS,
            "offset_ms": round(self.clock_offset * 1000),
            "final": FINAL,
            "batch": self.batch,
            **given,
        }
        return ScriptCall(script, msgspec.msgpack.encode(payload))
