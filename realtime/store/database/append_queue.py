"""Grouping concurrent appends into one call to the database."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from realtime.common.tasks import start_task

from ..contract import AtCapacity
from ..log import MAX_BATCH, PublishRequest, PublishResult

MAX_WAITING = 20_000  # appends waiting for a database that hangs; further ones raise AtCapacity

Results: TypeAlias = tuple[PublishResult, ...]


@dataclass(frozen=True, slots=True)
class _Append:
    """The requests of one call. If its answer is done, the call was cancelled."""

    requests: Sequence[PublishRequest]
    answer: "asyncio.Future[Results]"


class AppendQueue:
    """Collects appends while one transaction runs; the next one takes them all. So the more there
    is to append, the less each one costs. Calls ``append(requests)`` with at most MAX_BATCH."""

    def __init__(self, append: Callable[[Sequence[PublishRequest]], Awaitable[Results]]) -> None:
        self._append = append
        self._waiting: deque[_Append] = deque()
        self.task: asyncio.Task[None] | None = None  # awaited when the store closes

    def add(self, requests: Sequence[PublishRequest]) -> "asyncio.Future[Results]":
        """A future of the results for at most MAX_BATCH valid requests.

        Cancelling it before their transaction begins drops the requests. Raises AtCapacity.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise AtCapacity("too many appends are waiting for the database")
        answer: asyncio.Future[Results] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Append(requests, answer))
        if self.task is None or self.task.done():
            self.task = start_task(self._drain(), name="realtime-store-appends")
        return answer

    async def _drain(self) -> None:
        while group := self._next_group():
            try:
                results = iter(await self._append([r for each in group for r in each.requests]))
            except Exception as error:  # raised in every call of the group
                _fail(group, error)
            else:
                _settle(group, [tuple(next(results) for _ in each.requests) for each in group])

    def _next_group(self) -> list[_Append]:
        """The oldest appends, with at most MAX_BATCH requests in all."""
        group: list[_Append] = []
        left = MAX_BATCH
        while self._waiting and len(self._waiting[0].requests) <= left:
            append = self._waiting.popleft()
            if not append.answer.done():
                group.append(append)
                left -= len(append.requests)
        return group


def _settle(group: Sequence[_Append], answers: Sequence[Results]) -> None:
    for append, answer in zip(group, answers, strict=True):
        if not append.answer.done():
            append.answer.set_result(answer)


def _fail(group: Sequence[_Append], error: Exception) -> None:
    for append in group:
        if not append.answer.done():
            append.answer.set_exception(error)
