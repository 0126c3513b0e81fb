"""Batched reads of where logs end."""

from collections.abc import Mapping, Sequence

from realtime.store.log import MAX_BATCH, Log, LogEnd

from .batched_reads import BatchedReads


class LogEnds(BatchedReads[LogEnd]):
    """Reads where logs end, at most MAX_BATCH of them in a call."""

    def __init__(self, log: Log) -> None:
        super().__init__(self._read_ends, most=MAX_BATCH, name="realtime-ends")
        self._log = log

    async def _read_ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]:
        return await self._log.ends(rooms)
