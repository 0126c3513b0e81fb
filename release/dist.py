"""Builds sdist, wheel and npm tarball of one version, and checks them: ``make dist``."""

import argparse
import hashlib
import json
import posixpath
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from release.version import CLIENT, ROOT, current, differing

IMPORT = re.compile(r'^(?:import|export|\}) .*?"(\.[^"]+)";$', re.MULTILINE)
# Beside the files of realtime/.
IN_SDIST = {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
IN_WHEEL = {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE"}


class Packages:
    """The files of a release in a folder."""

    def __init__(self, folder: Path) -> None:
        version = current()
        self.folder = folder
        self.sdist = folder / f"channels_realtime-{version}.tar.gz"
        self.wheel = folder / f"channels_realtime-{version}-py3-none-any.whl"
        self.npm = folder / f"channels-realtime-{version}.tgz"

    def __iter__(self) -> Iterator[Path]:
        yield from (self.sdist, self.wheel, self.npm)


def build(folder: Path) -> Packages:
    """Builds into an empty folder. Raises ValueError if a copy of the version differs."""
    if stale := differing():
        raise ValueError(f"run `make version`: another version is in {', '.join(map(str, stale))}")
    python = (sys.executable, "-m", "build", "--no-isolation")
    # With neither --sdist nor --wheel the wheel is built from the sdist, as an installer would.
    _run(*python, "--outdir", str(folder), str(ROOT))
    with TemporaryDirectory() as scratch:
        staged = Path(scratch) / "npm"
        shutil.copytree(CLIENT, staged)
        shutil.copy(ROOT / "LICENSE", staged)
        shutil.copy(ROOT / "release/npm/README.md", staged)
        _run("npm", "pack", "--silent", "--pack-destination", str(folder), cwd=staged)
    return Packages(folder)


def problems(packages: Packages) -> Iterator[str]:
    """Yields a line for each missing or unexpected file of a package."""
    unexpected = set(packages.folder.iterdir()) - set(packages)
    yield from (f"unexpected: {path}" for path in sorted(unexpected))
    ours = set(_tracked("realtime"))
    version = current()
    yield from _compare(packages.sdist, _prefixed(ours | IN_SDIST, f"channels_realtime-{version}/"))
    info = _prefixed(IN_WHEEL, f"channels_realtime-{version}.dist-info/")
    yield from _compare(packages.wheel, ours | info)
    yield from _npm_problems(packages.npm)


def _npm_problems(package: Path) -> Iterator[str]:
    found = {name.removeprefix("package/") for name in _names(package)}
    exports = json.loads((CLIENT / "package.json").read_text())["exports"].values()
    targets = {
        path.removeprefix("./")
        for export in exports
        for path in ([export] if isinstance(export, str) else export.values())
    }
    for name in sorted((targets | _imported(package) | {"LICENSE", "README.md"}) - found):
        yield f"{package.name} lacks {name}"
    for name in sorted(name for name in found if name.startswith("admin")):
        yield f"{package.name} has {name}"


def _imported(package: Path) -> set[str]:
    """The files that scripts of the npm package import from each other, types aside."""
    found = set()
    with tarfile.open(package) as archive:
        for member in archive:
            script = archive.extractfile(member)
            if script is None or not member.name.endswith(".js"):
                continue
            folder = posixpath.dirname(member.name.removeprefix("package/"))
            for path in IMPORT.findall(script.read().decode()):
                found.add(posixpath.normpath(posixpath.join(folder, path)))
    return found


def _compare(package: Path, expected: set[str]) -> Iterator[str]:
    found = _names(package)
    yield from (f"{package.name} lacks {name}" for name in sorted(expected - found))
    yield from (f"{package.name} has {name}" for name in sorted(found - expected))


def _names(package: Path) -> set[str]:
    """The paths of the files in a package."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            return set(archive.namelist())
    with tarfile.open(package) as archive:
        return {member.name for member in archive if member.isfile()}


def _prefixed(names: Iterable[str], prefix: str) -> set[str]:
    return {prefix + name for name in names}


def _tracked(folder: str) -> list[str]:
    """The files of the repository in a folder."""
    command = ["git", "ls-files", "-z", "--", folder]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split("\0") if name]


def _run(*command: str, cwd: Path = ROOT) -> None:
    done = subprocess.run(
        command, cwd=cwd, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")


def main(arguments: list[str]) -> int:
    """Builds, checks and lists the packages. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="emptied first")
    folder = parser.parse_args(arguments).output.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packages = build(folder)
    found = list(problems(packages))
    twine = (sys.executable, "-m", "twine", "check", "--strict")
    _run(*twine, str(packages.sdist), str(packages.wheel))
    for path in packages:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        sys.stdout.write(f"{digest}  {path.name}  {path.stat().st_size:,} bytes\n")
    sys.stdout.writelines(f"{line}\n" for line in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
