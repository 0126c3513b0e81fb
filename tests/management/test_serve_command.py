"""``manage.py serve``: its options. Serving is tested end to end."""

import argparse
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from realtime.management.workers import WorkerArgs, usable_cpus, workers

CPUS = len(os.sched_getaffinity(0))


def test_a_number_of_workers() -> None:
    assert [workers("1"), workers("12"), workers("auto")] == [1, 12, None]


@pytest.mark.parametrize("text", ["0", "-1"])
def test_there_is_at_least_one_worker(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        workers(text)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", CPUS),
        (f"{CPUS + 1}00000 100000", CPUS),
        ("100000 100000", 1),
        ("20000 100000", 1),
    ],
)
def test_auto_respects_affinity_and_quota(quota: str, expected: int, tmp_path: Path) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(f"{quota}\n")
    assert usable_cpus(file) == expected


def test_auto_without_a_quota(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path / "cpu.max") == CPUS


def test_the_arguments_of_a_worker_travel_as_text() -> None:
    worker = WorkerArgs(2, 7, 11)
    assert WorkerArgs.parse(str(worker)) == worker


@pytest.mark.django_db(transaction=True)
def test_several_workers_require_a_command_line() -> None:
    with pytest.raises(CommandError, match="command line"):
        call_command("serve", port=0, workers=2)
