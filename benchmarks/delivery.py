"""Publishes from sync code, and resumes, in a process of its own beside a server on the same store.

    python -m benchmarks.delivery ADDRESS PUBLICATIONS RESUMED

Takes the server's environment; prints its figures as JSON.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

django.setup()

import msgspec  # noqa: E402

from benchmarks.dialects import TEXT, RealtimeClient  # noqa: E402
from benchmarks.load import here  # noqa: E402
from benchmarks.wire import Wire, connect  # noqa: E402
from realtime import api  # noqa: E402

REPEATS = 5
THREADS = 4
PATIENCE = 30.0
DATA = {"n": 1, "text": TEXT}

Frame = dict[str, Any]
Figures = dict[str, float]


def publish(count: int) -> Figures:
    """Microseconds per call of ``publish``: by one thread, and by several that share the calls, as
    those of a web server do."""
    return {"publish_us": _publish_in(1, count), "publish_threads_us": _publish_in(THREADS, count)}


def _publish_in(threads: int, count: int) -> float:
    """The time of all by their number. Each thread has a room of its own."""

    def work(number: int) -> None:
        for _ in range(count // threads):
            api.publish(f"alone-{number}", DATA)

    api.publish("alone-0", DATA)  # connects
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        for done in [pool.submit(work, number) for number in range(threads)]:
            done.result()
        return 1e6 * (time.perf_counter() - began) / (count // threads * threads)


class Visitor:
    """A client that says hello and waits for ``welcome`` and so many publications."""

    def __init__(self, wire: Wire, hello: Frame, *, awaits: int) -> None:
        self._wire = wire
        self._awaits = awaits
        self._received = 0
        self._welcome: Frame = {}
        self._done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._began = time.time()
        wire.send(msgspec.json.encode({"type": "hello", "protocol": 1, **hello}))
        wire.listen(self._heard, self._lost)

    async def visit(self) -> tuple[Frame, float]:
        """``welcome``, and the seconds from hello until the last has come; it leaves then."""
        async with asyncio.timeout(PATIENCE):
            seconds = await self._done
        self._wire.close()
        return self._welcome, seconds

    def _heard(self, payload: bytes, at: float) -> None:
        if payload.startswith(RealtimeClient.delivery):
            self._received += 1
            if self._received % RealtimeClient.quarter == 0:
                self._wire.send(b'{"type":"received","count":%d}' % self._received)
        elif not self._welcome:
            self._welcome = msgspec.json.decode(payload)
        if self._received == self._awaits and not self._done.done():
            self._done.set_result(at - self._began)

    def _lost(self) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError("closed before everything had come"))


async def visit(address: str, hello: Frame, *, awaits: int) -> tuple[Frame, float]:
    """Connect, wait for so much, leave."""
    subprotocol = RealtimeClient.subprotocol
    wire = await connect(here(address), RealtimeClient.path, subprotocol=subprotocol)
    return await Visitor(wire, hello, awaits=awaits).visit()


async def resume(address: str, count: int, room: str) -> float:
    """The milliseconds from hello until a client that comes back has all it has missed."""
    welcome, _ = await visit(address, {"rooms": {room: None}}, awaits=0)
    await asyncio.to_thread(api.publish_many, [(room, DATA)] * count)
    position = {name: welcome["rooms"][room][name] for name in ("epoch", "offset")}
    proof = {"session": welcome["session"], "token": welcome["token"]}
    back, seconds = await visit(address, {"resume": proof, "rooms": {room: position}}, awaits=count)
    if not (back["resumed"] and back["rooms"][room]["recovered"]):
        raise SystemExit(f"not resumed: {back}")
    return 1e3 * seconds


async def resumes(address: str, count: int) -> Figures:
    """The median of a few, each in a room of its own."""
    times = [await resume(address, count, f"missed-{number}") for number in range(REPEATS)]
    return {"resume_ms": statistics.median(times)}


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    address, publications, resumed = arguments
    figures = publish(int(publications)) | asyncio.run(resumes(address, int(resumed)))
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
