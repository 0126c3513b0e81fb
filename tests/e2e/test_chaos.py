"""No lost messages under faults: a short run, and the planted faults that a run must find.

`make chaos` is the long one; it prints its seed, and `make chaos SEED=…` plays it again.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer

from .chaos.logins import make_server
from .chaos.plan import Fault
from .chaos.record import Gap, Received, Record
from .chaos.run import play
from .chaos.summary import report
from .chaos.violations import Rule
from .chaos.world import Scale

SEED, ATTEMPTS = 6, 10


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """With users whose sessions are made already."""
    with make_server() as server:
        yield server


@pytest.mark.timeout(180)
async def test_every_subscriber_gets_every_publication_or_a_notice(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    outcome = await play(postgres, tmp_path, seed=SEED, scale=Scale(seconds=12.0))
    assert not outcome.violations, report(outcome)
    assert outcome.settled is not None
    assert outcome.record.tally is not None, "the counters were never compared"
    assert has_been_used(outcome.record), report(outcome)
    assert not outcome.complaints, "\n".join(outcome.complaints)


def has_been_used(record: Record) -> bool:
    """Whether programs have had of everything: a request with its answer, a message with its
    position, one of a rewind and a gap. Without, the checker would have found nothing wrong."""
    events = [event for handle in record.handles for event in handle.events]
    return (
        any(question.end == "done" for question in record.questions)
        and any(publish.queue and publish.position for publish in record.publishes)
        and any(isinstance(event, Received) and event.replayed for event in events)
        and any(isinstance(event, Gap) for event in events)
    )


@dataclass(frozen=True, slots=True)
class Case:
    """The violation that a planted fault causes, and the deeds that reveal it."""

    rule: Rule
    faults: tuple[Fault, ...] = ()
    processes: int = 0  # a worker needs no hints of what it publishes itself
    subscribers: int = 12
    programs: int = 0


PLANTED = {
    "lost hint": Case(Rule.LATE, (Fault.KILL_PUBSUB,), processes=1),
    "live too early": Case(Rule.MISSING, (Fault.RESET_LINES,)),
    "replay beyond top": Case(Rule.TWICE, (Fault.KILL_PUBSUB, Fault.STALL_LINES)),
    "forgotten key": Case(Rule.AGAIN, (Fault.CUT_REPLIES,)),
    "dropped publication": Case(Rule.MISSING, subscribers=10, programs=8),
    "another key": Case(Rule.AGAIN, subscribers=10, programs=8),
}


def small(planted: str) -> Scale:
    case = PLANTED[planted]
    return Scale(
        seconds=6.0,
        subscribers=case.subscribers,
        programs=case.programs,
        users=4,
        pause=0.4,
        patience=6.0,
        servers=("uvicorn",),
        processes=case.processes,
        faults=case.faults,
        planted=planted,
    )


@pytest.mark.timeout(240)
async def test_planted_faults_are_found(postgres: PostgresServer, tmp_path: Path) -> None:
    """Processes are never interleaved twice in the same way, so a fault may escape a run as
    short as these; it does not escape several."""
    await asyncio.gather(*(find(planted, postgres, tmp_path) for planted in PLANTED))


async def find(planted: str, postgres: PostgresServer, folder: Path) -> None:
    for seed in range(SEED, SEED + ATTEMPTS):
        place = folder / f"{planted.replace(' ', '-')}-{seed}"
        place.mkdir()
        outcome = await play(postgres, place, seed=seed, scale=small(planted))
        if PLANTED[planted].rule in {violation.rule for violation in outcome.violations}:
            return
    pytest.fail(f"{planted} was not found: {report(outcome)}")
