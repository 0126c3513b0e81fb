"""Runs tests on a mutant, in a fork of a process that has imported pytest and the packages.

Their imports are most of what a run of one file's tests costs: 5 of 6 seconds of CPU.
"""

import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from tests.e2e.fork_server import PRELOADED

from .mutants import Mutant

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = (
    *("-q", "-x", "-p", "no:cacheprovider", "-m", "not server"),
    *("--hypothesis-profile", "quick"),
    *("--timeout", "40"),  # seconds for one test: many mutants wait for ever
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # plugins are imported already
)
PLUGINS = ("hypothesis", "pytest", "pytest_asyncio.plugin", "pytest_django.plugin", "xdist.plugin")
TIME_LIMIT = 180.0  # seconds; tests that hang have noticed the change

PACKAGES = [name for name in PRELOADED if not name.startswith("realtime.")]
PRELOADED_OURS = 99  # exit code: the fork has modules of ours, which a mutant cannot replace

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([*PLUGINS, *PACKAGES])


def passes(mutant: Mutant | None, tests: Sequence[str]) -> bool:
    """Whether these tests pass, on this mutant or on the code as it is."""
    process = _context.Process(target=_run, args=(mutant, tests))
    process.start()
    process.join(TIME_LIMIT)
    process.kill()
    process.join()
    assert process.exitcode != PRELOADED_OURS
    return process.exitcode == 0


def _run(mutant: Mutant | None, tests: Sequence[str]) -> None:
    if "realtime" in sys.modules:
        os._exit(PRELOADED_OURS)
    output = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(output, descriptor)
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    if mutant is not None:
        sys.meta_path.insert(0, _Finder(mutant))
    import pytest  # the parent's output is not for pytest to capture

    os._exit(pytest.main([*OPTIONS, *tests]))


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec")


class _Finder:
    """Stands before the other finders, for the mutant's module."""

    def __init__(self, mutant: Mutant) -> None:
        names = mutant.path.relative_to(ROOT).with_suffix("").parts
        self._name = ".".join(names).removesuffix(".__init__")
        self._source = mutant.source

    def find_spec(
        self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._name:
            return None
        found = PathFinder.find_spec(name, path)
        assert found is not None
        assert found.origin is not None
        return importlib.util.spec_from_file_location(
            name,
            found.origin,
            loader=_Loader(name, found.origin, self._source),
            submodule_search_locations=found.submodule_search_locations,
        )
