"""A pytest plugin: imports one module from the changed source that the environment names."""

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

MODULE, SOURCE = "MUTANT_MODULE", "MUTANT_SOURCE"


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        return compile(Path(os.environ[SOURCE]).read_text(), self.path, "exec")


class _Finder:
    """Stands before the other finders, for this one module."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != os.environ.get(MODULE):
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found is not None
        assert found.origin is not None
        return importlib.util.spec_from_file_location(
            name,
            found.origin,
            loader=_Loader(name, found.origin),
            submodule_search_locations=found.submodule_search_locations,
        )


sys.meta_path.insert(0, _Finder())
