"""The packages of `make dist`: one version, every file that belongs there, and no other."""

import shutil
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

import realtime
from release import dist, version
from release.dist import Packages

from .installing import ROOT, run


def test_the_packages_have_the_files_that_belong_there_and_no_other(packages: Packages) -> None:
    assert list(dist.problems(packages)) == []


def test_all_packages_have_the_version_of_the_code(packages: Packages) -> None:
    assert realtime.__version__ == version.current()
    assert version.differing() == []
    for path in packages:
        assert f"-{realtime.__version__}" in path.name
    with zipfile.ZipFile(packages.wheel) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
        metadata = HeaderParser().parsestr(wheel.read(name).decode())
    assert (metadata["Name"], metadata["Version"]) == ("channels-realtime", realtime.__version__)
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_a_missing_and_an_unexpected_file_are_found(packages: Packages, tmp_path: Path) -> None:
    for path in packages:
        shutil.copy(path, tmp_path)
    copy = Packages(tmp_path)
    (tmp_path / "notes.txt").touch()
    with zipfile.ZipFile(copy.wheel, "a") as wheel:
        wheel.writestr("realtime/secret.txt", "")
    with tarfile.open(copy.npm, "w:gz"):
        pass
    lines = list(dist.problems(copy))
    assert f"unexpected: {tmp_path}/notes.txt" in lines
    assert f"{copy.wheel.name} has realtime/secret.txt" in lines
    assert f"{copy.npm.name} lacks index.js" in lines
    assert f"{copy.npm.name} lacks LICENSE" in lines


def test_the_npm_package_has_the_hooks_and_all_that_they_import(
    packages: Packages, tmp_path: Path
) -> None:
    scripts = {"react.js", "vue.js", "hooks/client_use.js", "hooks/room_use.js", "client.js"}
    with tarfile.open(packages.npm) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    assert scripts | {"types/react.d.ts", "types/vue.d.ts"} <= names
    for path in packages:
        shutil.copy(path, tmp_path)
    shutil.rmtree(tmp_path / "package/hooks")
    incomplete = Packages(tmp_path).npm
    with tarfile.open(incomplete, "w:gz") as archive:
        archive.add(tmp_path / "package", "package")
    missing = [
        line for line in dist.problems(Packages(tmp_path)) if line.startswith(incomplete.name)
    ]
    assert missing == [f"{incomplete.name} lacks {name}" for name in sorted(scripts) if "/" in name]


def test_a_copy_of_another_version_stops_the_build_until_it_is_stamped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = {tmp_path / path.name: pattern for path, pattern in version.COPIES.items()}
    for path in version.COPIES:
        text = path.read_text().replace(version.current(), "0.0.9")
        (tmp_path / path.name).write_text(text)
    monkeypatch.setattr(version, "COPIES", copies)
    with pytest.raises(ValueError, match="make version"):
        dist.build(tmp_path)
    version.stamp()
    assert version.differing() == []
    for path in copies:
        assert path.read_text() == (version.CLIENT / path.name).read_text()


@pytest.mark.matrix
@pytest.mark.timeout(1800)
def test_make_dist_builds_and_checks_them_with_its_own_lock(tmp_path: Path) -> None:
    run("make", "build/dist/.installed", f"PYTHON={sys.executable}", cwd=ROOT)
    python = ROOT / "build/dist/bin/python"
    output = run(python, "-m", "release.dist", "--output", tmp_path / "dist", cwd=ROOT)
    assert [line.split()[1] for line in output.splitlines()] == [
        path.name for path in Packages(tmp_path / "dist")
    ]
