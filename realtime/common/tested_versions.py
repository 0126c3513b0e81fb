"""Installed packages outside the versions that this one was tested with.

``realtime`` uses undocumented names of these packages; ``tests/guards`` lists them. The bounds
stand in ``pyproject.toml`` alone: here they come from the installed distribution's metadata.
"""

import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import NamedTuple

DISTRIBUTION = "channels-realtime"

GUARDED = {"asgiref", "autobahn", "daphne", "django", "redis", "twisted", "uvicorn", "websockets"}
EXTRAS = {"uvicorn"}  # whose requirements count if a package of the same name is installed

# name, version specifiers, the extra that asks for it
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^]]*\])?\s*([^;]*)(?:;.*extra == ['\"](\w+)['\"].*)?")
_SPECIFIER = re.compile(r"(>=|<)\s*([\d.]+)")


class Untested(NamedTuple):
    """A package whose version is outside the bounds."""

    package: str
    installed: str
    bounds: str


def untested_packages() -> list[Untested]:
    """The guarded packages outside their bounds; none if this one is no installed distribution."""
    try:
        requirements = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return []
    found = (_untested(*match.groups()) for each in requirements if (match := _parse(each)))
    return list(filter(None, found))


def _parse(requirement: str) -> re.Match[str] | None:
    match = _REQUIREMENT.fullmatch(requirement)
    return match if match and match[1].lower() in GUARDED else None


def _untested(package: str, bounds: str, extra: str | None) -> Untested | None:
    installed = _version_of(package)
    if not installed or (extra and (extra not in EXTRAS or not _version_of(extra))):
        return None
    number = _numbers(installed)
    fits = all(
        number >= _numbers(bound) if operator == ">=" else number < _numbers(bound)
        for operator, bound in _SPECIFIER.findall(bounds)
    )
    return None if fits else Untested(package, installed, bounds.strip())


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _numbers(text: str) -> list[int]:
    """The release of a version as four numbers: [5, 2, 0, 0] of "5.2rc1"."""
    release = re.match(r"\d+(?:\.\d+)*", text)
    numbers = [int(each) for each in release[0].split(".")] if release else []
    return [*numbers, 0, 0, 0, 0][:4]
