"""Hides from our package what Windows lacks. Python imports this at its start if the folder is on
the path. Twisted and Django keep what they need: they find out about their system by themselves."""

import asyncio
import builtins
import types
from collections.abc import Mapping, Sequence
from typing import Any

MODULES = {"fcntl", "grp", "pwd", "resource", "termios"}
ATTRIBUTES = {
    "os": {"fork", "getuid", "kill", "register_at_fork", "sched_getaffinity"},
    "signal": {"SIGHUP", "SIGKILL", "SIGUSR1"},
    "socket": {"AF_UNIX", "SO_REUSEPORT"},
}

_import = builtins.__import__


class Limited(types.ModuleType):
    """A module without some of its attributes."""

    def __init__(self, module: types.ModuleType) -> None:
        super().__init__(module.__name__)
        self.__dict__["_module"] = module

    def __getattr__(self, name: str) -> Any:
        if name in ATTRIBUTES[self.__name__]:
            raise AttributeError(f"Windows has no {self.__name__}.{name}")
        return getattr(self.__dict__["_module"], name)


def import_as_on_windows(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> types.ModuleType:
    """``__import__``, which knows who asks."""
    asks = str((globals or {}).get("__name__", ""))
    if asks.partition(".")[0] not in ("project", "realtime") or level:
        return _import(name, globals, locals, fromlist or (), level)
    if name in MODULES:
        raise ModuleNotFoundError(f"Windows has no module {name}", name=name)
    module = _import(name, globals, locals, fromlist or (), level)
    return Limited(module) if name in ATTRIBUTES else module


def _no_handler(self: object, number: int, callback: object, *args: object) -> None:
    raise NotImplementedError


builtins.__import__ = import_as_on_windows
asyncio.SelectorEventLoop.add_signal_handler = _no_handler  # type: ignore[method-assign, assignment]
