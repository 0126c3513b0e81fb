"""The cost of a disturbance to the clients beside it: the round trips of their pings."""

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable

from .support import Client, Server, crowd, login

CLIENTS, PAUSE = 10, 0.1  # seconds between two pings of a client

Process = multiprocessing.Process


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


async def compare(
    server: Server, disturb: Callable[[], Process], *, rounds: int, seconds: float
) -> None:
    """Print the round trips without and with a disturbance, of each round and of all.

    ``disturb()`` starts a process that disturbs for so many seconds. Rounds with and without it
    alternate, so that the machine's noise falls on both.
    """
    alone: list[float] = []
    beside: list[float] = []
    ratios = []
    async with crowd(server, login(server, "ann"), CLIENTS) as clients:
        for _ in range(rounds):
            alone += (before := await round_trips(clients, seconds))
            process = disturb()
            beside += (during := await round_trips(clients, seconds))
            await asyncio.to_thread(process.join)
            ratios.append(p99(during) / p99(before))
            show(before, during)
    sys.stdout.write(f"all rounds, of which the median is {statistics.median(ratios):.2f} ×\n")
    show(alone, beside)


def show(alone: list[float], beside: list[float]) -> None:
    """Print a comparison."""
    ratio = f"{p99(beside) / p99(alone):.2f} ×"
    sys.stdout.write(f"p99 {p99(alone):.2f} ms alone, {p99(beside):.2f} ms beside: {ratio}\n")
