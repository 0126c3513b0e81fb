"""Which installed packages are outside the tested versions."""

from importlib.metadata import PackageNotFoundError, requires

import pytest

from realtime import checks
from realtime.common import tested_versions
from realtime.common.tested_versions import Untested, untested_packages

REQUIREMENTS = [
    "asgiref<3.14,>=3.8.1",
    "django<6.2,>=5.2",
    "msgspec>=0.20",
    "redis[hiredis]<9,>=5.1",
    'uvicorn<0.55,>=0.54; extra == "uvicorn"',
    'websockets<18,>=17; extra == "uvicorn"',
    'websockets>=99; extra == "dev"',
]
INSTALLED = {"asgiref": "3.13.0", "django": "5.2rc1", "msgspec": "0.1", "redis": "8.1.0"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Versions of packages, to be changed by a test."""
    versions = dict(INSTALLED)

    def version(name: str) -> str:
        try:
            return versions[name.lower()]
        except KeyError:
            raise PackageNotFoundError(name) from None

    monkeypatch.setattr(tested_versions, "version", version)
    monkeypatch.setattr(tested_versions, "requires", lambda _: REQUIREMENTS)
    return versions


def test_versions_within_the_bounds_are_tested(installed: dict[str, str]) -> None:
    assert untested_packages() == []


@pytest.mark.parametrize(
    ("package", "version", "bounds"),
    [
        ("asgiref", "3.14.0", "<3.14,>=3.8.1"),
        ("asgiref", "3.8", "<3.14,>=3.8.1"),
        ("django", "6.2a1", "<6.2,>=5.2"),
        ("redis", "10.0", "<9,>=5.1"),
    ],
)
def test_a_version_outside_its_bounds_is_named(
    installed: dict[str, str], package: str, version: str, bounds: str
) -> None:
    installed[package] = version
    assert untested_packages() == [Untested(package, version, bounds)]


def test_the_packages_of_an_extra_count_if_it_is_installed(installed: dict[str, str]) -> None:
    installed["websockets"] = "13.1"
    assert untested_packages() == []
    installed["uvicorn"] = "0.54.0"
    assert untested_packages() == [Untested("websockets", "13.1", "<18,>=17")]


def test_without_an_installed_distribution_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_installed(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(tested_versions, "requires", not_installed)
    assert untested_packages() == []


def test_the_check_says_it_in_words(installed: dict[str, str]) -> None:
    installed["redis"] = "9.0"
    [message] = checks.check_versions()
    assert message.id == "realtime.W010"
    assert message.msg == "redis 9.0 is installed; channels-realtime was tested with <9,>=5.1."


def test_this_installation_is_within_the_bounds_of_all_guarded_packages() -> None:
    requirements = requires(tested_versions.DISTRIBUTION) or []
    bounded = {
        match[1].lower()
        for each in requirements
        if (match := tested_versions._parse(each)) and "<" in match[2]
    }
    assert bounded == tested_versions.GUARDED
    assert untested_packages() == []
