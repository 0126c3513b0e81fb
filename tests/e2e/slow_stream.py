"""``python -m tests.e2e.slow_stream``: what a stream of 10,000 parts to a slow reader costs the
clients beside it, which ping all the time."""

import argparse
import asyncio
import multiprocessing
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from .round_trips import Process, compare
from .server_support import Peer
from .stream_reader import AT_A_TIME, PARTS, StreamReader
from .support import Project, login, make_database

SECONDS = 10.0  # for all of it


def read(port: int, cookie: str) -> None:
    """Read a stream in SECONDS, and print how many parts it had."""
    began = time.monotonic()
    with Peer(port, receive_buffer=4096).upgrade("/ws/", f"Cookie: {cookie}") as peer:
        reader = StreamReader(peer)
        while not reader.done:
            due = began + SECONDS * len(reader.numbers) / PARTS
            time.sleep(max(0.0, due - time.monotonic()))
            reader.read(AT_A_TIME)
    took = time.monotonic() - began
    sys.stdout.write(f"{len(reader.numbers)} parts in {took:.1f} s\n")


def begin(port: int, cookie: str) -> Process:
    """The reader, in a process of its own."""
    process = multiprocessing.Process(target=read, args=[port, cookie])
    process.start()
    return process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=["daphne", "uvicorn"], default="daphne")
    chosen = parser.parse_args()
    environ = {"DJANGO_SETTINGS_MODULE": "tests.e2e.requests_project"}
    with TemporaryDirectory() as folder:
        project = Project.copy(make_database(Path(folder)), Path(folder), environ=environ)
        with project.serve(server=chosen.server, max_sessions_per_user=0) as server:
            cookie = login(server, "bob")
            disturbed = compare(
                server, lambda: begin(server.port, cookie), rounds=chosen.rounds, seconds=SECONDS
            )
            asyncio.run(disturbed)


if __name__ == "__main__":
    main()
