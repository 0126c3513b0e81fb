"""No module of ours imports or defines what Python or Django has deprecated. Calls are covered by
all other tests, in which every warning is an error."""

import subprocess
import sys

from tests.e2e.server_support import ROOT

IMPORT_ALL = r"""
import importlib, pkgutil, warnings

for category in (DeprecationWarning, PendingDeprecationWarning):
    warnings.filterwarnings("error", category=category, module=r"realtime(\.|$)")

import django
django.setup()
import realtime

for module in pkgutil.walk_packages(realtime.__path__, "realtime."):
    importlib.import_module(module.name)
"""


def test_all_modules_are_imported_without_a_deprecation_warning() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
