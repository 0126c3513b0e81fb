"""When Redis begins another history of the message log, and when it does not."""

import subprocess
import tempfile
from collections.abc import Callable

import pytest
import redis

from realtime.protocol.position import Position
from realtime.store.log import PublishRequest
from realtime.store.redis import blocking_store
from tests.polling import TIMEOUT, eventually
from tests.redis_server import RedisServer

from .builders import beat
from .store_fixtures import PREFIX, params
from .test_log import end_of, publish, read
from .test_log_redis import log_at, reconnect

# ---------------------------------------------------------------- another history


def restart_in_order(server: RedisServer) -> None:
    server.stop()
    server.start()


def kill_and_restart(server: RedisServer) -> None:
    server.kill()
    server.start()


@pytest.mark.parametrize(
    ("arguments", "restart"),
    [
        (("--save", "3600", "1"), restart_in_order),
        (("--appendonly", "yes", "--appendfsync", "always"), kill_and_restart),
        ((), kill_and_restart),
    ],
    ids=["a snapshot", "an append-only file", "nothing"],
)
def test_a_restart_begins_a_new_epoch(
    arguments: tuple[str, ...], restart: Callable[[RedisServer], None]
) -> None:
    """Also if all was kept: no one can verify that."""
    with RedisServer(*arguments) as server:
        log = log_at(server)
        before = publish(log, "1", "2")[-1].position
        (first,) = log.append([PublishRequest("k", "1", key="k")])
        restart(server)
        reconnect(log)
        after = end_of(log)
        assert (after.top.offset, after.oldest) == (0, 1)
        assert after.top.epoch != before.epoch
        assert log.read("r", after=0, limit=10, max_bytes=100).entries == ()
        assert publish(log, "3")[0].position == Position(after.top.epoch, 1)
        assert read(log, 0) == [1]
        repeated = log.append([PublishRequest("k", "1", key="k")])[0].position
        # The key is as good as what was kept.
        assert (repeated == first.position) == bool(arguments)


@pytest.mark.parametrize("first", ["append", "read"])
def test_the_first_call_begins_the_new_epoch(first: str) -> None:
    with RedisServer(snapshots=True) as server:
        log = log_at(server)
        before = publish(log, "1", "2")[-1].position
        restart_in_order(server)
        reconnect(log)
        if first == "append":
            position = publish(log, "3")[0].position
            assert (position.offset, read(log, 0)) == (1, [1])
        else:
            page = log.read("r", after=0, limit=10, max_bytes=100)
            position = page.end.top
            assert (position.offset, page.entries) == (0, ())
        assert position.epoch != before.epoch


AT_ONCE = ("--repl-diskless-sync-delay", "0")


def follow(server: RedisServer, leader: RedisServer | None) -> None:
    """Make it a replica of another, and wait for that; or make it a master."""
    with server.client() as client:
        if leader is None:
            client.replicaof("NO", "ONE")
            return
        client.replicaof("127.0.0.1", leader.port)
        eventually(
            lambda: client.info("replication")["master_link_status"] == "up", what="it follows"
        )


def test_a_replica_that_takes_over_begins_a_new_epoch() -> None:
    with RedisServer(*AT_ONCE) as first, RedisServer() as second:
        before = publish(log_at(first), "1", "2")[-1].position
        follow(second, first)
        follow(second, None)
        after = end_of(log_at(second))
        assert (after.top.offset, after.top.epoch != before.epoch) == (0, True)


def test_a_server_that_becomes_master_again_begins_a_new_epoch() -> None:
    """It was never restarted, but it copied the data of the other, which lacked its own last
    entries."""
    with RedisServer(*AT_ONCE) as first, RedisServer(*AT_ONCE) as second:
        log = log_at(first)
        publish(log, "1", "2")
        follow(second, first)
        follow(second, None)
        lost = publish(log, "3")[0].position
        follow(first, second)
        follow(first, None)
        after = end_of(log)
        assert after.top.epoch != lost.epoch
        assert publish(log, "another")[0].position == Position(after.top.epoch, 1)


def test_a_server_that_was_a_replica_meanwhile_begins_a_new_epoch() -> None:
    """Also without any call in between."""
    with RedisServer(*AT_ONCE) as first, RedisServer(*AT_ONCE) as second:
        log = log_at(first)
        publish(log, "1")
        follow(second, first)
        follow(second, None)
        lost = publish(log, "2")[0].position
        follow(first, second)
        follow(first, None)
        after = end_of(log)
        assert (after.top.offset, after.top.epoch != lost.epoch) == (0, True)


def test_a_server_unseen_for_long_may_have_been_a_replica() -> None:
    """Redis clears the trace of it after some time."""
    with RedisServer() as server, server.client() as client:
        log = log_at(server)
        before = publish(log, "1")[0].position
        client.hset(f"{{{PREFIX}}}:history", "seen", 0)
        back_up(server)
        assert end_of(log).top.epoch != before.epoch


# ---------------------------------------------------------------- the same history


def back_up(server: RedisServer) -> None:
    """To Redis it is a replica that attaches, the first one."""
    with tempfile.NamedTemporaryFile() as file:
        command = ["redis-cli", "-p", str(server.port), "--rdb", file.name]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)


def replid_of(client: redis.Redis) -> str:
    return str(client.info("replication")["master_replid"])


def forget_the_stream(server: RedisServer) -> None:
    """The last replica detaches, and Redis renames the replication stream after a while."""
    with RedisServer() as copy, server.client() as client:
        follow(copy, server)
        client.config_set("repl-backlog-ttl", 1)
        before = replid_of(client)
        copy.kill()
        eventually(lambda: replid_of(client) != before, what="the stream has another name")


def attach_and_detach(server: RedisServer) -> None:
    with RedisServer() as copy:
        follow(copy, server)
        follow(copy, None)


def do(*command: str) -> Callable[[RedisServer], None]:
    def run(server: RedisServer) -> None:
        with server.client() as client:
            client.execute_command(*command)

    return run


INNOCENT: dict[str, Callable[[RedisServer], None]] = {
    "a backup": back_up,
    "a first copy": attach_and_detach,
    "no copy any more": forget_the_stream,
    "a snapshot": do("BGSAVE"),
    "a new append-only file": do("BGREWRITEAOF"),
    "connections that are closed": do("CLIENT", "KILL", "TYPE", "normal"),
    "scripts that are forgotten": do("SCRIPT", "FLUSH"),
    "figures that begin at nought": do("CONFIG", "RESETSTAT"),
    "a setting": do("CONFIG", "SET", "maxmemory-policy", "noeviction"),
    "a reload": do("DEBUG", "RELOAD"),
    "a command that finds it a master": do("REPLICAOF", "NO", "ONE"),
}


def test_events_that_lose_nothing_begin_no_epoch() -> None:
    """One after the other, so that each begins with the state after those before."""
    with RedisServer(*AT_ONCE, "--enable-debug-command", "yes") as server:
        sessions = blocking_store(server.url, params())
        log, offset = sessions.log, 1
        epoch = publish(log, "1")[0].position.epoch
        incarnation = beat(sessions).incarnation
        for name, happen in [*INNOCENT.items(), *INNOCENT.items()]:
            happen(server)
            reconnect(log)
            assert publish(log, "1")[0].position == Position(epoch, offset + 1), name
            assert read(log, offset - 1) == [offset, offset + 1], name
            assert beat(sessions).incarnation == incarnation, name
            offset += 1
