"""A connection on a server that takes raw frames."""

import asyncio
import json
from collections.abc import Iterable

import pytest

from realtime.protocol.codes import CloseCode
from realtime.protocol.frames import encode_message
from realtime.protocol.messages import Error
from realtime.worker.connections.connection import MAX_UNSENT, Connection, deliver_to_all

from ..fakes import FakeTransport, connect

MESSAGE = Error(code="invalid_json", detail="no")


class FakeFrameWriter:
    """The server's extension: records frames; ``unsent`` is set by the test."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unsent = 0
        self.open = True

    def write(self, frame: bytes) -> bool:
        if self.open:
            self.written.append(frame)
        return self.open

    @staticmethod
    def write_to_all(targets: Iterable["FakeFrameWriter"], frame: bytes) -> list[int]:
        return [
            number for number, each in enumerate(targets) if each.unsent or not each.write(frame)
        ]


@pytest.fixture
async def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def frames() -> FakeFrameWriter:
    return FakeFrameWriter()


@pytest.fixture
async def connection(transport: FakeTransport, frames: FakeFrameWriter) -> Connection:
    return connect(transport, frames=frames)


async def test_frames_are_written_at_once(
    transport: FakeTransport, frames: FakeFrameWriter, connection: Connection
) -> None:
    before = asyncio.all_tasks()
    connection.send_bytes(b"1")
    connection.send_encoded(encode_message("2"))
    assert frames.written == [b"\x82\x011", b"\x81\x012"]
    assert connection.frames_out == 2
    assert asyncio.all_tasks() == before
    assert transport.attempts == 0


async def test_goodbye_is_a_frame_and_the_close_an_event(
    transport: FakeTransport, frames: FakeFrameWriter, connection: Connection
) -> None:
    connection.end(CloseCode.HEARTBEAT_TIMEOUT)
    await connection.flush()
    (goodbye,) = frames.written
    assert json.loads(goodbye[2:])["type"] == "goodbye"
    assert [event["type"] for event in transport.events] == ["websocket.close"]
    assert transport.closed == 4002


async def test_bytes_that_the_kernel_has_not_taken_count_as_unsent(
    transport: FakeTransport, frames: FakeFrameWriter, connection: Connection
) -> None:
    frames.unsent = MAX_UNSENT - 10
    connection.send_bytes(bytes(10))
    assert len(frames.written) == 1
    frames.unsent = MAX_UNSENT
    connection.send_bytes(b"x")
    assert connection.ended == (4003, "slow consumer")
    await connection.flush()
    assert transport.closed == 4003
    assert len(frames.written) == 1


async def test_a_goodbye_that_exceeds_the_bound_ends_with_4003_once(
    transport: FakeTransport, frames: FakeFrameWriter, connection: Connection
) -> None:
    frames.unsent = MAX_UNSENT
    connection.end(CloseCode.HEARTBEAT_TIMEOUT)
    await connection.flush()
    assert transport.closed == 4003
    assert frames.written == []


async def test_a_lost_connection_can_be_ended(
    transport: FakeTransport, frames: FakeFrameWriter, connection: Connection
) -> None:
    frames.open = False
    transport.error = ConnectionResetError("gone")
    connection.send(MESSAGE)
    connection.end(CloseCode.NORMAL)
    await connection.flush()
    assert connection.ended == (1000, "normal closure")


# To many connections


async def test_a_publication_is_written_to_each_open_connection_once(
    transport: FakeTransport,
) -> None:
    idle, busy, ended, gone = all_frames = [FakeFrameWriter() for _ in range(4)]
    connections = [connect(transport, frames=each) for each in all_frames]
    busy.unsent = 10
    connections[2].end(CloseCode.NORMAL)
    ended.written.clear()
    gone.open = False
    deliver_to_all(connections, encode_message("1"))
    assert idle.written == busy.written == [b"\x81\x011"]
    assert ended.written == gone.written == []
    # Publications are not counted here; one connection has sent goodbye.
    assert [each.frames_out for each in connections] == [0, 0, 1, 0]
    await connections[2].flush()


async def test_a_slow_consumer_ends_and_the_others_are_served(
    transport: FakeTransport,
) -> None:
    slow, quick = FakeFrameWriter(), FakeFrameWriter()
    connections = [connect(transport, frames=each) for each in (slow, quick)]
    slow.unsent = MAX_UNSENT
    deliver_to_all(connections, encode_message("1"))
    assert [each.ended for each in connections] == [(4003, "slow consumer"), None]
    assert (slow.written, len(quick.written)) == ([], 1)
    await connections[0].flush()


async def test_a_frame_beyond_the_bound_is_not_written(
    transport: FakeTransport, frames: FakeFrameWriter
) -> None:
    connection = connect(transport, frames=frames)
    deliver_to_all([connection], encode_message(bytes(MAX_UNSENT + 1)))
    assert connection.ended == (4003, "slow consumer")
    assert frames.written == []
    await connection.flush()


async def test_a_server_without_frames_gets_events() -> None:
    transports = [FakeTransport(), FakeTransport()]
    connections = [connect(each) for each in transports]
    deliver_to_all([], encode_message("0"))
    deliver_to_all(connections, encode_message("1"))
    for each in connections:
        await each.flush()
    assert [each.events for each in transports] == [[{"type": "websocket.send", "text": "1"}]] * 2
