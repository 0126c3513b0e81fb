"""The benchmarks' arithmetic, and what they make of it; measuring itself is `make bench`."""

import asyncio
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.server import ServerConnection, serve

from benchmarks import wire
from benchmarks.chart import chart
from benchmarks.cores import shares
from benchmarks.document import BEGIN, END, replace_block
from benchmarks.driver import LoadFailed
from benchmarks.figures import (
    GOALS,
    PAGE_FIGURES,
    SERVER_FIGURES,
    STORE_FIGURES,
    Figure,
    Goal,
)
from benchmarks.kinds import KINDS
from benchmarks.measure import cpu_of
from benchmarks.outcome import CHART, TITLES, Outcome
from benchmarks.report import failures, goals_table, median, medians_table, ratio
from benchmarks.rounds import Figures, Results, Run, interleave
from benchmarks.suites.browser import CLIENTS
from benchmarks.wire import Opcode

COST = Figure("room", "cost", "cost, µs", 1)
TITLE = {"ours": "Ours", "other": "Other"}


def suites(ours: list[float], other: list[float]) -> dict[str, Results]:
    """Rounds of one figure."""
    rounds: dict[str, list[Figures]] = {
        "ours": [{"cost": value} for value in ours],
        "other": [{"cost": value} for value in other],
    }
    return {"room": Results({name: each for name, each in rounds.items() if each})}


# Medians and ratios


def test_a_median_is_over_the_rounds() -> None:
    assert median(suites([3, 100, 2], []), COST, "ours") == 3
    assert median(suites([3], []), COST, "other") is None
    assert median({}, COST, "ours") is None


def test_a_ratio_is_taken_within_each_round() -> None:
    """The second round met a busy machine: both sides paid."""
    assert ratio(suites([2, 60, 2], [4, 100, 5]), COST, "ours", "other") == 0.5
    assert ratio(suites([2], []), COST, "ours", "other") is None
    assert ratio(suites([2], [0]), COST, "ours", "other") is None


# Tables


def test_the_table_has_who_and_what_was_measured() -> None:
    unmeasured = Figure("crowd", "more", "more", 0)
    table = medians_table(suites([1234.56], []), [COST, unmeasured], TITLE)
    assert table.splitlines() == [
        "| median of the rounds |    Ours |",
        "| -------------------- | ------: |",
        "| cost, µs             | 1,234.6 |",
    ]
    assert medians_table({}, [COST], TITLE) == ""


@pytest.mark.parametrize(("most", "verdict"), [(0.5, ""), (0.4, "**missed**")])
def test_a_goal_is_judged(most: float, verdict: str) -> None:
    goal = Goal(COST, "ours", most, beside="other")
    measured = suites([2], [4])
    row = goals_table(measured, [goal], TITLE, judge=True).splitlines()[2]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["cost, µs: Ours ÷ Other", "0.500", str(most), verdict]
    assert "missed" not in goals_table(measured, [goal], TITLE, judge=False)


def test_every_goal_is_of_something_that_is_measured() -> None:
    for goal in GOALS:
        assert goal.figure in (*SERVER_FIGURES, *STORE_FIGURES, *PAGE_FIGURES)
        assert goal.of in TITLES
        assert not goal.beside or goal.beside in (*KINDS, *CLIENTS)


# Rounds


def contender(name: str, seen: list[str], *, fails_in: int = 0) -> Run:
    def run() -> Mapping[str, float]:
        seen.append(name)
        if seen.count(name) == fails_in:
            raise LoadFailed(f"{name} lost its connections\nand more")
        return {"cost": float(seen.count(name))}

    return run


def test_rounds_are_interleaved_and_a_server_that_fails_is_out() -> None:
    seen: list[str] = []
    runs = {"ours": contender("ours", seen), "other": contender("other", seen, fails_in=2)}
    results = interleave(runs, 3, say=lambda _: None)
    assert seen == ["ours", "other", "ours", "other", "ours"]
    assert results.rounds == {"ours": [{"cost": 1.0}, {"cost": 2.0}, {"cost": 3.0}]}
    assert failures({"room": results}, TITLE) == ["Other, room: other lost its connections"]


@pytest.mark.parametrize(
    ("cores", "servers", "load"), [({0, 1}, [0], [1]), ({2, 3, 4}, [2], [3, 4]), ({5}, [5], [5])]
)
def test_servers_and_load_have_cores_of_their_own(
    cores: set[int], servers: list[int], load: list[int]
) -> None:
    assert [sorted(share) for share in shares(frozenset(cores))] == [servers, load]


def test_cpu_time_of_another_process_is_what_proc_says() -> None:
    program = "import sys; sum(range(20_000_000)); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        told = psutil.Process(process.pid).cpu_times()
        assert cpu_of(process.pid) == pytest.approx(told.user + told.system, abs=0.05)
        assert cpu_of(process.pid) > 0.05


# Page and chart


def test_only_the_block_of_a_page_is_written_anew() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = replace_block(page, "new")
    assert once == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert replace_block(once, "new") == once


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}{BEGIN}"])
def test_a_page_without_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="has no"):
        replace_block(page, "new")


def test_the_chart_has_a_bar_for_everyone_as_long_as_their_figure() -> None:
    svg = ET.fromstring(chart(suites([25], [100]), [COST], {"ours": "<Ours>", "other": "Other"}))
    lengths = [float(bar.attrib["width"]) for bar in svg.iter("{http://www.w3.org/2000/svg}rect")]
    assert lengths[1] == pytest.approx(4 * lengths[0], rel=0.01)
    assert "<Ours>" in "".join(svg.itertext())


def test_an_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    rounds: dict[str, list[Figures]] = {"ours-daphne": [{"delivery_cpu_us": 5.0}]}
    results = {"room": Results(rounds, {"node": "lost"})}
    found = {"date": "2026-01-01", "CPU": "some", "Python": "3.11"}
    outcome = Outcome(found, results, is_full=True, store="redis")
    outcome.write(tmp_path / "build" / "figures.json")
    assert Outcome.read(tmp_path / "build" / "figures.json") == outcome
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}{END}")
    (tmp_path / CHART).parent.mkdir()
    outcome.publish(page)
    assert "No figures of Socket.IO, Node, room: lost" in page.read_text()
    assert (tmp_path / CHART).read_text().startswith("<svg")


def test_it_says_who_was_not_in_all_rounds() -> None:
    figures: Figures = {"delivery_cpu_us": 5.0}
    room = Results({"ours-daphne": [figures] * 5, "usual-daphne": [figures] * 2})
    suites = {"room": room, "registry": Results({"redis": [{"reap_ms": 1.0}]}), "crowd": Results()}
    outcome = Outcome({"date": "2026-01-01", "CPU": "some"}, suites, is_full=True, store="redis")
    said = "Rounds: 5 of room (usual consumer, daphne: 2), 1 of registry."
    assert outcome.text().startswith(said)


def test_the_docs_page_has_a_place_for_figures() -> None:
    page = (Path(__file__).parents[1] / "docs" / "performance.md").read_text()
    assert "new" in replace_block(page, "new")


# The load generator's WebSocket


async def test_a_wire_reads_what_a_real_server_sends() -> None:
    frames = [b"x" * size for size in (1, 125, 126, 60_000)]

    async def burst(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame, text=True)
        await connection.send(await connection.recv())
        await connection.ping()
        await connection.close()

    heard: list[tuple[bytes, float]] = []
    lost = asyncio.Event()
    began = time.time()
    async with serve(burst, "127.0.0.1", 0, compression=None) as server:
        address = server.sockets[0].getsockname()
        line = await wire.connect(address, "/", subprotocol=None)
        line.listen(lambda payload, at: heard.append((payload, at)), lost.set)
        line.send(b"y" * 300, Opcode.BINARY)
        await asyncio.wait_for(lost.wait(), 10)
    assert [payload for payload, _ in heard] == [*frames, b"y" * 300]
    assert all(began - 1 <= at <= time.time() + 1 for _, at in heard)


async def test_a_refused_handshake_says_so() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        with pytest.raises(wire.Refused, match="403"):
            await wire.connect(server.sockets[0].getsockname(), "/", subprotocol=None)


def test_what_came_before_the_kernel_noted_times_has_come_now() -> None:
    before = time.time()
    assert before <= wire._arrival([]) <= time.time()
    noted = wire.TIMESPEC.pack(17, 500_000_000)
    assert wire._arrival([(0, 0, noted)]) == 17.5
