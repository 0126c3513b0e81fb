"""Random schedules of tabs and of components: nothing is lost without a notice.

``python -m tests.browser.schedules`` plays more of them; ``make deep`` three hundred.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from .schedules.plan import FAULTS
from .schedules.run import LOG_LENGTHS, play
from .schedules.world import World

# `make test` has time for few rounds; `make deep` plays hundreds.
SEED, ROUNDS, ATTEMPTS = 15, 4, 20


@pytest.fixture(scope="module")
def world(
    browser: Browser, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("schedules")
    with World(browser, template, folder, log_length=LOG_LENGTHS["tabs"]) as world:
        yield world


@pytest.mark.parametrize("number", range(1, ROUNDS + 1))
def test_a_schedule_of_tabs_has_no_silent_gap(world: World, number: int) -> None:
    [verdict] = play(world, "tabs", SEED, [number])
    assert not verdict.faults, str(verdict)


def finds(world: World, seed: int, *, fault: str = "") -> bool:
    """Whether one of the rounds goes wrong."""
    for number in range(ATTEMPTS):
        [verdict] = play(world, "tabs", seed, [number], fault=fault)
        if verdict.faults:
            return True
    return False


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_planted_in_the_pages_is_found(world: World, fault: str) -> None:
    assert finds(world, SEED + 1, fault=fault)


def test_a_fault_planted_in_the_server_is_found(
    browser: Browser, template: Path, tmp_path: Path
) -> None:
    length, planted = LOG_LENGTHS["tabs"], "live too early"
    with World(
        browser, template, tmp_path, log_length=length, planted=planted, patience=3.0
    ) as world:
        assert finds(world, SEED + 2)


def test_components_get_what_their_options_promise(
    browser: Browser, template: Path, tmp_path: Path
) -> None:
    length = LOG_LENGTHS["components"]
    with World(browser, template, tmp_path, log_length=length) as world:
        for verdict in play(world, "components", SEED, range(3)):
            assert not verdict.faults, str(verdict)
            assert {"message", "resync", "closed"} <= verdict.events.keys()
