"""Counters of a process's traffic with the channel layer."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class QueueCounters:
    """Counts of a queue of publication batches since the start. The queue's lock guards them."""

    waits: int = 0  # callers that waited because it was full
    cut: int = 0  # batches that were cut or dropped because it was full; audits find the rest


@dataclass(slots=True)
class BusCounters:
    """Counts since the start. One thread writes each, any thread may read them."""

    commands_sent: int = 0  # commands (joins, leaves, hints) that the layer has taken
    commands_dropped: int = 0  # that failed, took too long, or found the queue full
    messages_received: int = 0  # hints and batches that were understood
    messages_ignored: int = 0  # that were unreadable, forged or of an unknown kind
    batches_sent: int = 0  # batches of publications that the layer has taken
    batches_failed: int = 0  # that failed or took too long; audits find what was in them
    queue: QueueCounters = field(default_factory=QueueCounters)  # of the batches to be sent


# Of messages that this process sends while it has no running worker; its workers show them later.
outside_workers = BusCounters()
