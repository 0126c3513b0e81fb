"""How many bytes of a connection are read at a time."""

from realtime.servers.common.read_size import MAX_SERVICE_TIME, MIN_SIZE, AdaptiveReadSize


def size_after(*seconds: float) -> int:
    read_size = AdaptiveReadSize(4096)
    for each in seconds:
        read_size.record(each)
    return read_size.size


def test_quick_reads_keep_the_maximum() -> None:
    assert size_after() == size_after(0.0) == size_after(0.0, MAX_SERVICE_TIME / 5) == 4096


def test_slow_reads_halve_the_size_down_to_a_minimum() -> None:
    assert size_after(2 * MAX_SERVICE_TIME) == 2048
    assert size_after(*[2 * MAX_SERVICE_TIME] * 100) == MIN_SIZE


def test_a_read_between_quick_and_slow_keeps_the_size() -> None:
    assert size_after(2 * MAX_SERVICE_TIME, MAX_SERVICE_TIME / 2) == 2048


def test_quick_reads_double_the_size_up_to_the_maximum() -> None:
    assert size_after(2 * MAX_SERVICE_TIME, 2 * MAX_SERVICE_TIME, 0.0, 0.0, 0.0) == 4096
