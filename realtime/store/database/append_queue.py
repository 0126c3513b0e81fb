"""Appends that wait at the same time go to the database as one call."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..contract import AtCapacity
from ..log import MAX_BATCH, PublishRequest, PublishResult

# Appends behind a database that hangs; beyond it they are refused.
MAX_WAITING = 20_000

Answer: TypeAlias = tuple[PublishResult, ...]


@dataclass(frozen=True, slots=True)
class _Append:
    """What one caller appends. Nobody waits any more for an answer that is done."""

    drafts: Sequence[PublishRequest]
    answer: "asyncio.Future[Answer]"


class AppendQueue:
    """While one call is under way, the next one gathers: so the more there is to append, the
    less a transaction costs each. ``append`` is called with at most MOST drafts."""

    def __init__(self, append: Callable[[Sequence[PublishRequest]], Awaitable[Answer]]) -> None:
        self._append = append
        self._waiting: deque[_Append] = deque()
        self.task: asyncio.Task[None] | None = None  # whoever closes the store waits for it

    def add(self, drafts: Sequence[PublishRequest]) -> "asyncio.Future[Answer]":
        """The answer to come for these drafts, at most MOST, and nothing wrong with any.

        What is given up before its call begins is not appended. Raises StoreUnavailable.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise AtCapacity("too many appends are waiting for the database")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Append(drafts, answer))
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._drain(), name="realtime-store-appends")
        return answer

    async def _drain(self) -> None:
        while group := self._next_group():
            try:
                appended = iter(await self._append([d for each in group for d in each.drafts]))
            except Exception as error:  # handed to everybody who waits for this call
                _fail(group, error)
            else:
                _settle(group, [tuple(next(appended) for _ in each.drafts) for each in group])

    def _next_group(self) -> list[_Append]:
        """Those who have waited longest, as many as one call may be about."""
        group: list[_Append] = []
        room = MAX_BATCH
        while self._waiting and len(self._waiting[0].drafts) <= room:
            append = self._waiting.popleft()
            if not append.answer.done():
                group.append(append)
                room -= len(append.drafts)
        return group


def _settle(group: Sequence[_Append], answers: Sequence[Answer]) -> None:
    for append, answer in zip(group, answers, strict=True):
        if not append.answer.done():
            append.answer.set_result(answer)


def _fail(group: Sequence[_Append], error: Exception) -> None:
    for append in group:
        if not append.answer.done():
            append.answer.set_exception(error)
