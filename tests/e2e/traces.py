"""Traces that sessions may leave behind, in a worker and in its Redis."""

import signal

import psutil

from realtime.store.redis.client import CONNECTIONS
from tests.polling import eventually
from tests.redis_server import RedisServer

from .redis_support import keys_of
from .support import Server


class Traces:
    """The objects and keys of a worker and its Redis now."""

    def __init__(self, worker: Server, redis: RedisServer) -> None:
        # Tombstones expire by themselves.
        self.keys = {key for key in keys_of(redis) if ":tomb:" not in key}
        with redis.client() as client:
            self.redis_kb = round(client.info("memory")["used_memory"] / 1024)
        self.worker_mb = round(psutil.Process(worker.process.pid).memory_info().rss / 2**20, 1)
        self.connections = connections_of(worker, redis)
        self.files = worker.open_files() - self.connections - files_of_the_database(worker)
        self.tasks = tasks_of(worker)

    def assert_no_more_than(self, before: "Traces") -> None:
        """Assert that no session has left a trace since then."""
        assert self.keys == before.keys
        assert self.files <= before.files + 2, (str(before), str(self))
        assert self.connections <= CONNECTIONS + 2
        assert self.tasks <= before.tasks + 1, (str(before), str(self))

    def __str__(self) -> str:
        return (
            f"{len(self.keys)} keys, {self.files} file descriptors beside the threads' and "
            f"{self.connections} connections to Redis, {self.tasks} tasks, "
            f"Redis {self.redis_kb} KB, worker {self.worker_mb} MB"
        )


def connections_of(worker: Server, redis: RedisServer) -> int:
    """How many connections to Redis it has: they are kept, and bounded."""
    found = psutil.Process(worker.process.pid).net_connections("tcp")
    return sum(bool(each.raddr) and each.raddr.port == redis.port for each in found)


def files_of_the_database(worker: Server) -> int:
    """How many its threads have open, who come as they are needed; bounded, too."""
    opened = psutil.Process(worker.process.pid).open_files()
    return sum(".sqlite3" in file.path for file in opened)


def tasks_of(worker: Server) -> int:
    """How many tasks its loop has, as it says when asked."""
    before = len(worker.lines_with("tasks: "))
    worker.stop(signal.SIGUSR2)
    said = eventually(lambda: worker.lines_with("tasks: ")[before:], what="tasks")
    return int(said[-1].partition("tasks: ")[2])
