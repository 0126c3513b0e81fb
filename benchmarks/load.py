"""The load generator, a process of its own: opens connections and answers their pings.

    python -m benchmarks.load ADDRESS DIALECT INTERVAL LIFETIME

It reads one JSON order per line and answers each with one line:

    {"open": 1000}                  {"seconds": 1.8}                every one was welcomed
    {"count": true}                 {"beats": 2000, "late": 0.1, "lost": 0}
    {"publish": 20, "pause": 0.5, "seconds": 30, "text": "hello"}
                                    {"durations": [0.004, …], "missing": 0}
    {"stall": 100}                  {}                              so many read no more
    {"catch_up": true}              {}                              and again, all they missed
    {"close": true}                 {}                              counts begin anew

``late`` is how many seconds after its time the latest ping of those since the last
``count`` came, and a duration runs from asking for a publication until the kernel has it
for every connection; ``publish`` ends early when its seconds are over or a connection has
been left out.

It speaks to this machine only, opens at most MAX_CONNECTIONS, and ends after LIFETIME
seconds or with its standard input, whichever comes first.
"""

import asyncio
import ipaddress
import json
import sys
import time
from collections.abc import Callable

from benchmarks.dialects import DIALECTS, Client, Frame
from benchmarks.wire import connect

MAX_CONNECTIONS = 20_000
AT_ONCE = 50  # handshakes under way
WELCOME_TIMEOUT = 30.0
DELIVERY_TIMEOUT = 20.0


class Load:
    """All connections of this process, and what has happened to them."""

    def __init__(self, address: tuple[str, int], dialect: type[Client], *, interval: float) -> None:
        self.interval = interval
        self._address = address
        self._dialect = dialect
        self._clients: list[Client] = []
        self._beats = self._losses = 0
        self._late = 0.0
        self._stalled: list[Client] = []
        self._missed = 0  # publications since they have stalled
        self._awaited = 0  # deliveries of the publication under way
        self._last = 0.0  # when the latest of them came, epoch seconds
        self._complete: asyncio.Future[None]

    # ------------------------------------------------------------ the ledger of the clients

    def beaten(self, late: float) -> None:
        """A ping was answered that came so many seconds after its time."""
        self._beats += 1
        self._late = max(self._late, late)

    def delivered(self, at: float) -> None:
        """A publication reached a client at this moment."""
        self._awaited -= 1
        self._last = max(self._last, at)
        if self._awaited == 0 and not self._complete.done():
            self._complete.set_result(None)

    def lost(self) -> None:
        """The server has ended a connection."""
        self._losses += 1

    # ------------------------------------------------------------ orders

    async def obey(self, order: Frame) -> Frame:
        """Carry out an order; the answer to it."""
        if "open" in order:
            return await self.open(order["open"])
        if "publish" in order:
            return await self.publish(order.pop("publish"), **order)
        if "stall" in order:
            return self.stall(order["stall"])
        if "catch_up" in order:
            return await self.catch_up()
        return self.close() if "close" in order else self.count()

    async def open(self, count: int) -> Frame:
        """Open so many connections and wait until each has been let in."""
        if len(self._clients) + count > MAX_CONNECTIONS:
            raise ValueError(f"more than {MAX_CONNECTIONS} connections")
        began = time.monotonic()
        turnstile = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._enter(turnstile))
        return {"seconds": time.monotonic() - began}

    async def _enter(self, turnstile: asyncio.Semaphore) -> None:
        async with turnstile, asyncio.timeout(WELCOME_TIMEOUT):
            dialect = self._dialect
            wire = await connect(self._address, dialect.path, subprotocol=dialect.subprotocol)
            client = dialect(self, wire)
            await client.ready
            self._clients.append(client)

    def count(self) -> Frame:
        """The counts since the start; how late beats were since this was last asked."""
        late, self._late = self._late, 0.0
        return {"beats": self._beats, "late": late, "lost": self._losses}

    async def publish(self, count: int, *, pause: float, seconds: float, text: str) -> Frame:
        """Have so many publications sent, one after the other, each by another client."""
        durations: list[float] = []
        until = time.monotonic() + seconds
        while len(durations) < count and time.monotonic() < until:
            try:
                durations.append(await self._reach_all(len(durations), text))
            except TimeoutError:
                break
            await asyncio.sleep(pause)
        return {"durations": durations, "missing": self._awaited}

    def stall(self, count: int) -> Frame:
        """Have so many clients read nothing."""
        self._stalled = self._clients[:count]
        for client in self._stalled:
            client.stall()
        self._missed = 0
        return {}

    async def catch_up(self) -> Frame:
        """Have them read again, and wait until they have all that they have missed."""
        self._await(self._missed * len(self._stalled))
        for client in self._stalled:
            client.go_on()
        self._stalled, self._missed = [], 0
        async with asyncio.timeout(DELIVERY_TIMEOUT):
            await self._complete
        return {}

    def _await(self, deliveries: int) -> None:
        self._awaited = deliveries
        self._complete = asyncio.get_running_loop().create_future()
        if not deliveries:
            self._complete.set_result(None)

    async def _reach_all(self, number: int, text: str) -> float:
        reading = len(self._clients) - len(self._stalled)
        self._await(reading)
        self._missed += 1
        began = time.time()
        self._clients[-1 - number % reading].publish(number, text)
        async with asyncio.timeout(DELIVERY_TIMEOUT):
            await self._complete
        return self._last - began

    def close(self) -> Frame:
        """Close all connections; begin to count anew."""
        for client in self._clients:
            client.leave()
        self._clients.clear()
        self._beats = self._losses = 0
        self._late = 0.0
        return {}


async def serve(load: Load, *, lifetime: float, answer: Callable[[Frame], None]) -> None:
    """Carry out the orders on standard input until it ends, but at most ``lifetime`` seconds."""
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with asyncio.timeout(lifetime):
        while line := await orders.readline():
            answer(await load.obey(json.loads(line)))


def here(address: str) -> tuple[str, int]:
    """Host and port. Raises ValueError if the host is not this machine's own."""
    host, _, port = address.rpartition(":")
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} is not this machine")
    return host, int(port)


def main(address: str, dialect: str, interval: str, lifetime: str) -> None:
    """Run until told to stop."""

    async def run() -> None:
        load = Load(here(address), DIALECTS[dialect], interval=float(interval))
        await serve(
            load,
            lifetime=float(lifetime),
            answer=lambda found: print(json.dumps(found), flush=True),
        )

    asyncio.run(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
