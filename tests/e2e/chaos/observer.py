"""Reads the logs by itself, past everything that is to be tested."""

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.polling import TIMEOUT

from .record import History, Position, Reading, mark

EVERY = 0.05

# KEYS: a log's list and its hash, the history's, and the base's. ARGV: in which epoch it is
# known, and how far; what to keep of it, -1 for all; a text that comes back first. Answers epoch,
# top, how many there are, and what follows; a log that was begun in an earlier history of Redis is
# over, and its room is at the base, as one without a log. None of it until a worker has said
# whether a history goes on, and where the base is.
LOOK = """
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'top', 'begun')
local history = redis.call('HMGET', KEYS[3], 'name', 'replid')
local replid = redis.call('INFO', 'replication'):match('master_replid:(%w+)')
if history[2] ~= replid then return {ARGV[4]} end
if meta[3] ~= history[1] then
  local base = redis.call('HMGET', KEYS[4], 'name', 'begun')
  if base[2] ~= history[1] then return {ARGV[4]} end
  return {ARGV[4], base[1], 0, 0, {}}
end
local top, size = tonumber(meta[2]) or 0, redis.call('LLEN', KEYS[1])
local after = ARGV[1] == meta[1] and tonumber(ARGV[2]) or 0
local start = math.max(0, size - math.max(0, top - after))
local found = redis.call('LRANGE', KEYS[1], start, -1)
local keep = tonumber(ARGV[3])
if keep == 0 then redis.call('DEL', KEYS[1]) end
if keep > 0 then redis.call('LTRIM', KEYS[1], -keep, -1) end
return {ARGV[4], meta[1], top, size, found}
"""


class Observer:
    """Looks again and again until it is cancelled; what it finds goes into the history."""

    def __init__(self, port: int, history: History, rooms: Sequence[str], *, prefix: str) -> None:
        self._history = history
        self._rooms = rooms
        self._prefix = prefix
        self._port = port
        self._numbers = itertools.count()
        self._turn = asyncio.Lock()  # what was read first is noted first

    async def run(self) -> None:
        """Look, even if the connection fails; after an error with a new one."""
        while True:
            with suppress(redis.RedisError, OSError):
                async with client(self._port) as connection:
                    while True:
                        await self.look(connection)
                        await asyncio.sleep(EVERY)
            await asyncio.sleep(EVERY)

    async def look(self, connection: "redis.asyncio.Redis") -> None:
        """Read what is new in every log."""
        async with self._turn, connection.pipeline(transaction=False) as pipe:
            at = time.monotonic()
            asked = [self._ask(pipe, room) for room in self._rooms]
            answers = await pipe.execute()
            for room, question, answer in zip(self._rooms, asked, answers, strict=True):
                self._note(room, at, _to(question, answer))

    async def trim(self, room: str, *, keep: int) -> int:
        """Read a log and take from it all but the newest; how many were taken. All of it is noted
        within one turn: a look that came between would know of a later end."""
        async with (
            client(self._port) as connection,
            self._turn,
            connection.pipeline(transaction=False) as pipe,
        ):
            at = time.monotonic()
            question = self._ask(pipe, room, keep=keep)
            (answer,) = await pipe.execute()
            found = _to(question, answer)
            self._note(room, at, found)
            return self._note_trimmed(room, at, found, keep=keep)

    def _ask(self, pipe: Any, room: str, *, keep: int = -1) -> bytes:
        """The first bytes of the answer."""
        lives = self._history.lives.get(room)
        known = (lives[-1].epoch, lives[-1].top) if lives else ("", 0)
        names = (f"log:{room}/entries", f"log:{room}/meta", "history", "log:/base")
        keys = [f"{{{self._prefix}}}:{name}" for name in names]
        question = f"{room} {next(self._numbers)}".encode()
        pipe.eval(LOOK, len(keys), *keys, *known, keep, question)
        return question

    def _note(self, room: str, at: float, found: Sequence[Any]) -> None:
        if not found:
            return
        epoch, top, size, texts = found
        first = top - len(texts) + 1
        entries = {first + i: mark(json.loads(e.split(b" ", 1)[1])) for i, e in enumerate(texts)}
        end = Position(epoch.decode(), top)
        self._history.note(Reading(at, time.monotonic(), room, end, top - size + 1, entries))

    def _note_trimmed(self, room: str, at: float, found: Sequence[Any], *, keep: int) -> int:
        if not found:
            return 0
        epoch, top, size, _ = found
        left = min(keep, size)
        end = Position(epoch.decode(), top)
        self._history.note(Reading(at, time.monotonic(), room, end, top - left + 1, {}))
        return int(size - left)


def _to(question: bytes, answer: Sequence[Any]) -> Sequence[Any]:
    """The answer, which must be to this question: the connection is in step."""
    assert answer[0] == question, f"{answer[0]!r} answered, {question!r} asked"
    return answer[1:]


def client(port: int) -> "redis.asyncio.Redis":
    """A client that waits long and never repeats anything. With protocol 2 a connection with an
    unread answer is found out before it is used again."""
    options: dict[str, Any] = {"socket_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0)}
    return redis.asyncio.Redis(port=port, protocol=2, **options)
