"""The wheel in the environment of a project with this Django: pip leaves its packages alone."""

import json
import sys
from pathlib import Path

import django
import pytest

from release.dist import Packages

from .installing import run

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(1800)]


def test_no_installed_package_gets_another_version(packages: Packages, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path, cwd=tmp_path)
    pip = (tmp_path / "bin/python", "-m", "pip")
    major, minor = django.VERSION[:2]
    run(*pip, "install", "--quiet", f"Django~={major}.{minor}.0", cwd=tmp_path)
    list_all = (*pip, "list", "--format", "json", "--disable-pip-version-check")
    listed = run(*list_all, cwd=tmp_path).splitlines()[-1]  # after warnings
    installed = {package["name"].lower() for package in json.loads(listed)}
    report = tmp_path / "report.json"
    install = (*pip, "install", "--quiet", "--dry-run", "--report", report)
    run(*install, packages.wheel, cwd=tmp_path)
    chosen = {
        package["metadata"]["name"].lower() for package in json.loads(report.read_text())["install"]
    }
    assert {"asgiref", "django", "sqlparse"} <= installed
    assert "channels-realtime" in chosen
    assert chosen & installed == set()
