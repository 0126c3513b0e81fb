"""The scripts of ``lua/``, and how they are called: one text in, one text out."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from realtime.protocol.codes import FINAL

from ..contract import BATCH, ENDED_MS, LATE_MS
from ..timeouts import Timeouts

T = TypeVar("T")

_FOLDER = Path(__file__).parent / "lua"


def _scripts_in(folder: Path, *prelude: Path) -> dict[str, str]:
    """By their names there, each with what they all begin with."""
    before = "\n".join(part.read_text() for part in prelude)
    return {path.stem: f"{before}\n{path.read_text()}" for path in folder.glob("*.lua")}


def _prelude(folder: Path, *parts: str) -> list[Path]:
    return [folder / "prelude" / f"{part}.lua" for part in parts]


_HISTORY = _prelude(_FOLDER, "history")
_REGISTRY = _scripts_in(
    _FOLDER,
    *_prelude(
        _FOLDER, "keys", "tombs", "ends", "session", "places", "state", "changes", "leases", "order"
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
    """A script to run, its one argument, and the rooms that it is about, if it is not about
    the registry."""

    script: str
    payload: bytes
    rooms: tuple[str, ...] = ()

    def keys(self, prefix: str) -> list[str]:
        """What the names of all keys begin with, and those of each room; no room's name has
        a "/"."""
        return [f"{{{prefix}}}:", *(f"{{{prefix}}}:log:{room}/" for room in self.rooms)]


# A method of the contract without its input and output: it says what to call, is handed the
# answers, and returns a record. Whoever drives it waits, with a thread or an event loop.
Operation: TypeAlias = Generator[ScriptCall, bytes, T]


class ScriptCalls:
    """Makes calls. ``clock_offset`` (seconds) is 0 but in tests, ``batch`` is smaller there:
    how many entries a script looks at before it leaves the rest to another call."""

    def __init__(self, windows: Timeouts, *, clock_offset: float = 0.0, batch: int = BATCH) -> None:
        self.windows = windows
        self.clock_offset = clock_offset
        self.batch = batch

    def __call__(self, script: str, **given: Any) -> ScriptCall:
        """This script with these values, and with those that every script is given.

        Raises ValueError for a text that is not Unicode, such as half a surrogate pair.
        """
        windows = self.windows
        payload = {
            "lease_ms": windows.lease_ms,
            "resume_ms": windows.resume_ms,
            "session_ms": windows.session_ms,
            "claim_ms": windows.claim_ms,
            "late_ms": LATE_MS,
            "ended_ms": ENDED_MS,
            "offset_ms": round(self.clock_offset * 1000),
            "final": FINAL,
            "batch": self.batch,
            **given,
        }
        return ScriptCall(script, msgspec.msgpack.encode(payload))
