"""``python -m tests.e2e.strangers``: what a thousand connections of one address without cookie and
hello cost the clients beside them.

Strangers come at 100 a second and stay; the clients, who are logged in, ping all the time. Rounds
with and without strangers alternate, so that the machine's noise falls on both.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from .server_support import Peer
from .support import Client, Project, Server, crowd, login, make_database

STRANGERS, PER_SECOND = 1000, 100
CLIENTS, PAUSE = 10, 0.1  # seconds between two pings of a client


def come(port: int, admitted: "multiprocessing.Queue[int]") -> None:
    """Open STRANGERS connections and keep them. Reports how many handshakes were accepted."""
    accepted, began = 0, time.monotonic()
    with ExitStack() as stack:
        for number in range(STRANGERS):
            time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
            peer = stack.enter_context(Peer(port))
            peer.ask_upgrade("/ws/")
            accepted += peer.status() == 101
    admitted.put(accepted)


async def round_trips(clients: list[Client], seconds: float) -> list[float]:
    """The milliseconds of each client's pings for so long."""
    times: list[float] = []
    until = time.monotonic() + seconds

    async def ping(client: Client) -> None:
        while time.monotonic() < until:
            number = len(client.of("pong")) + 1
            began = time.monotonic()
            await client.send(type="ping", sequence=number)
            await client.frame("pong", number=number)
            times.append((time.monotonic() - began) * 1000)
            client.frames.clear()
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*map(ping, clients))
    return times


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


async def measure(server: Server, rounds: int) -> tuple[list[float], list[float]]:
    """The round trips without and with strangers, of all rounds."""
    alone, beside = [], []
    async with crowd(server, login(server, "ann"), CLIENTS) as clients:
        for _ in range(rounds):
            alone += await round_trips(clients, STRANGERS / PER_SECOND)
            admitted: multiprocessing.Queue[int] = multiprocessing.Queue()
            process = multiprocessing.Process(target=come, args=(server.port, admitted))
            process.start()
            beside += await round_trips(clients, STRANGERS / PER_SECOND)
            process.join()
            sys.stdout.write(f"{admitted.get()} of {STRANGERS} strangers were admitted\n")
    return alone, beside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=["daphne", "uvicorn"], default="daphne")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        project = Project.copy(make_database(Path(folder)), Path(folder))
        with project.serve(server=chosen.server, max_sessions_per_user=0) as server:
            alone, beside = (p99(each) for each in asyncio.run(measure(server, chosen.rounds)))
    sys.stdout.write(f"p99 {alone:.2f} ms alone, {beside:.2f} ms beside: {beside / alone:.2f} ×\n")


if __name__ == "__main__":
    main()
