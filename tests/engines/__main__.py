"""Runs the tests of this folder: ``python -m tests.engines`` with arguments of pytest."""

import sys

from .cable import run_tests

run_tests(sys.argv[1:])
