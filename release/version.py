"""The version of a release: ``realtime/__init__.py`` has it, ``make version`` copies it.

The npm package and the browser client cannot read a Python file, so each has a copy.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "realtime/__init__.py"
CLIENT = ROOT / "realtime/js"
# Files with a copy, and the text around it.
COPIES = {
    CLIENT / "package.json": r'(?<="version": ")[^"]+(?=")',
    CLIENT / "client.js": r'(?<="realtime-js/)[^"]+(?=")',
}


def current() -> str:
    """The version, such as ``1.2.0``."""
    [found] = re.findall(r'^__version__ = "(.+)"$', SOURCE.read_text(), re.MULTILINE)
    return str(found)


def differing() -> list[Path]:
    """The files whose copy is another version."""
    return [path for path, pattern in COPIES.items() if _copy(path, pattern) != current()]


def stamp() -> None:
    """Writes the version into each copy."""
    for path, pattern in COPIES.items():
        path.write_text(re.sub(pattern, current(), path.read_text(), count=1))


def _copy(path: Path, pattern: str) -> str:
    [found] = re.findall(pattern, path.read_text())
    return str(found)


if __name__ == "__main__":
    stamp()
    sys.stdout.write(f"{current()}\n")
