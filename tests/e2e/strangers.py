"""``python -m tests.e2e.strangers``: what a thousand connections of one address without cookie and
hello cost the clients beside them.

Strangers come at 100 a second and stay; the clients, who are logged in, ping all the time.
"""

import argparse
import asyncio
import multiprocessing
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from .round_trips import Process, compare
from .server_support import Peer
from .support import Project, make_database

STRANGERS, PER_SECOND = 1000, 100


def come(port: int) -> None:
    """Open STRANGERS connections, keep them, and print how many handshakes were accepted."""
    accepted, began = 0, time.monotonic()
    with ExitStack() as stack:
        for number in range(STRANGERS):
            time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
            peer = stack.enter_context(Peer(port))
            peer.ask_upgrade("/ws/")
            accepted += peer.status() == 101
    sys.stdout.write(f"{accepted} of {STRANGERS} strangers were admitted\n")


def begin(port: int) -> Process:
    """The strangers, in a process of their own."""
    process = multiprocessing.Process(target=come, args=[port])
    process.start()
    return process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=["daphne", "uvicorn"], default="daphne")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        project = Project.copy(make_database(Path(folder)), Path(folder))
        with project.serve(server=chosen.server, max_sessions_per_user=0) as server:
            disturbed = compare(
                server,
                lambda: begin(server.port),
                rounds=chosen.rounds,
                seconds=STRANGERS / PER_SECOND,
            )
            asyncio.run(disturbed)


if __name__ == "__main__":
    main()
