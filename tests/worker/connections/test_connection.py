"""One connection on a server without raw frames: incoming, outgoing, and its end."""

import asyncio
import json
import logging

import pytest

from realtime.protocol.codes import CloseCode, ErrorCode
from realtime.protocol.messages import Bye, Error
from realtime.worker.connections.connection import (
    CLOSE_TIMEOUT,
    MAX_UNSENT,
    Connection,
    FrameLimits,
)

from ..fakes import Clock, FakeTransport, connect, settled

BYE = '{"type":"bye"}'


def error(detail: str) -> Error:
    return Error(code="invalid_json", detail=detail)


@pytest.fixture
async def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def connection(transport: FakeTransport, clock: Clock) -> Connection:
    return connect(transport, clock)


# ---------------------------------------------------------------- outgoing


async def test_frames_leave_in_the_order_they_were_sent(
    transport: FakeTransport, connection: Connection
) -> None:
    connection.send(error("1"))
    connection.send_bytes(b"2")
    connection.send(error("3"))
    await connection.flush()
    assert [event.get("bytes") or event["text"][-3] for event in transport.events] == [
        "1",
        b"2",
        "3",
    ]
    assert connection.frames_out == 3


async def test_sending_never_waits(transport: FakeTransport, connection: Connection) -> None:
    transport.open.clear()
    for number in range(100):
        connection.send(error(str(number)))
    await settled()
    assert transport.attempts == 1
    transport.open.set()
    await connection.flush()
    assert len(transport.events) == 100
    assert connection._transport.unsent == 0


async def test_no_task_waits_while_there_is_nothing_to_send(connection: Connection) -> None:
    before = asyncio.all_tasks()
    connection.send(error("1"))
    await connection.flush()
    assert asyncio.all_tasks() == before


async def test_a_flush_of_nothing_is_done_at_once(connection: Connection) -> None:
    await connection.flush()


async def test_a_mebibyte_may_be_unsent(transport: FakeTransport, connection: Connection) -> None:
    transport.open.clear()
    connection.send_bytes(bytes(MAX_UNSENT))
    assert connection.ended is None


async def test_more_than_a_mebibyte_unsent_ends_with_4003(
    transport: FakeTransport, connection: Connection
) -> None:
    transport.open.clear()
    connection.send_bytes(bytes(MAX_UNSENT))
    await settled()
    connection.send_bytes(b"x")
    assert connection.ended == (4003, "slow consumer")
    transport.open.set()
    await connection.flush()
    assert [event["type"] for event in transport.events] == ["websocket.send", "websocket.close"]
    assert transport.closed == 4003


async def test_a_slow_consumer_is_sent_nothing_more(
    transport: FakeTransport, connection: Connection
) -> None:
    connection.send_bytes(bytes(MAX_UNSENT))
    connection.send(error("too much"))
    connection.send(error("after"))
    await connection.flush()
    assert [event["type"] for event in transport.events] == ["websocket.close"]


async def test_sent_bytes_no_longer_count(connection: Connection) -> None:
    for _ in range(3):
        connection.send_bytes(bytes(MAX_UNSENT))
        await connection.flush()
    assert connection.ended is None


# ---------------------------------------------------------------- the end


async def test_the_end_is_a_goodbye_then_a_close(
    transport: FakeTransport, connection: Connection
) -> None:
    connection.send(error("before"))
    connection.end(CloseCode.HEARTBEAT_TIMEOUT, delay_ms=(0, 5000))
    await connection.flush()
    assert transport.types == ["error", "goodbye"]
    assert transport.goodbye["delay"] == [0, 5000]
    assert transport.events[-1] == {
        "type": "websocket.close",
        "code": 4002,
        "reason": "heartbeat timeout",
    }


async def test_a_lost_connection_is_sent_nothing(
    transport: FakeTransport, connection: Connection
) -> None:
    connection.end(CloseCode.LOST)
    await settled()
    assert connection.ended == (1006, "connection lost")
    assert transport.events == []


async def test_a_connection_ends_once(transport: FakeTransport, connection: Connection) -> None:
    connection.end(4500, "enough")
    connection.end(4503)
    connection.send(error("after"))
    await connection.flush()
    assert connection.ended == (4500, "enough")
    assert transport.types == ["goodbye"]
    assert transport.closed == 4500


async def test_nothing_is_read_after_the_end(connection: Connection) -> None:
    connection.end(CloseCode.NORMAL)
    assert connection.read(BYE) is None
    assert connection.frames_in == 0


async def test_a_transport_that_does_not_notice_is_dropped(
    transport: FakeTransport, clock: Clock, connection: Connection
) -> None:
    transport.open.clear()
    connection.end(CloseCode.NORMAL)
    clock.turn(CLOSE_TIMEOUT - 0.01)
    assert transport.drops == 0
    clock.turn(0.01)
    assert transport.drops == 1
    transport.open.set()
    await connection.flush()


@pytest.mark.parametrize(("any_code", "code"), [(True, 1001), (False, 4001)])
async def test_the_shutdown_code_is_1001_if_the_server_can_send_it(
    transport: FakeTransport, any_code: bool, code: int
) -> None:
    assert connect(transport, any_code=any_code).shutdown_code() == code


# ---------------------------------------------------------------- a transport that fails


async def test_a_lost_transport_is_not_logged_as_an_error(
    transport: FakeTransport, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    transport.error = ConnectionResetError("gone")
    connection.send(error("1"))
    connection.send(error("2"))
    await connection.flush()
    assert transport.attempts == 1
    assert [r for r in caplog.records if r.levelno > logging.DEBUG] == []


async def test_a_connection_with_a_lost_transport_can_be_ended(
    transport: FakeTransport, connection: Connection
) -> None:
    transport.error = BrokenPipeError("gone")
    connection.send(error("1"))
    await connection.flush()
    connection.end(CloseCode.HEARTBEAT_TIMEOUT)
    await connection.flush()
    assert connection.ended == (4002, "heartbeat timeout")


async def test_frames_for_a_lost_transport_do_not_count_as_unsent(
    transport: FakeTransport, connection: Connection
) -> None:
    transport.error = ConnectionResetError("gone")
    for _ in range(3):
        connection.send_bytes(bytes(MAX_UNSENT))
        await connection.flush()
    assert connection._transport.unsent == 0
    assert connection.ended is None


async def test_a_frame_the_server_refuses_is_logged_and_drops_the_transport(
    transport: FakeTransport, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    transport.error = ValueError("not an event")
    connection.send(error("1"))
    connection.send(error("2"))
    await connection.flush()
    assert (transport.attempts, transport.drops) == (1, 1)
    assert "a frame could not be sent" in caplog.text


# ---------------------------------------------------------------- incoming


async def test_a_message_is_read_and_counted(connection: Connection) -> None:
    assert connection.read(BYE) == Bye()
    assert connection.frames_in == 1


async def test_a_malformed_frame_is_answered(
    transport: FakeTransport, connection: Connection
) -> None:
    assert connection.read("no JSON") is None
    await connection.flush()
    (answer,) = transport.messages
    assert (answer["type"], answer["code"]) == ("error", "invalid_json")
    assert connection.ended is None


async def test_a_frame_beyond_the_size_limit_is_answered(
    transport: FakeTransport, connection: Connection
) -> None:
    assert connection.read(f'{{"type":"bye","x":"{"é" * 500}"}}') is None
    await connection.flush()
    assert transport.messages[0]["detail"] == "expected a frame of at most 1000 bytes"


async def test_binary_frames_have_the_same_limit(
    transport: FakeTransport, connection: Connection
) -> None:
    assert connection.check_size(bytes(1000))
    assert not connection.check_size(bytes(1001))
    await connection.flush()
    assert transport.messages[0]["code"] == "invalid_message"


async def test_the_tenth_malformed_frame_is_answered_and_ends_the_connection(
    transport: FakeTransport, connection: Connection
) -> None:
    for _ in range(9):
        connection.read("no JSON")
    assert connection.ended is None
    connection.reject_frame(ErrorCode.NOT_READY, "expected hello first")
    assert connection.read("no JSON") is None
    await connection.flush()
    assert transport.types == ["error"] * 10 + ["goodbye"]
    assert transport.closed == 4505


async def test_valid_frames_do_not_reset_the_count_of_malformed_ones(
    connection: Connection,
) -> None:
    for _ in range(10):
        assert connection.ended is None
        connection.read(BYE)
        connection.read("no JSON")
    assert connection.ended == (4505, "protocol errors")


async def test_frames_beyond_the_burst_end_with_4004(
    transport: FakeTransport, connection: Connection
) -> None:
    assert all(connection.read(BYE) for _ in range(50))
    assert connection.read(BYE) is None
    await connection.flush()
    assert transport.closed == 4004


async def test_a_steady_rate_is_allowed(clock: Clock, transport: FakeTransport) -> None:
    connection = connect(transport, clock, limits=FrameLimits(1000, rate=8, burst=1))
    for _ in range(100):
        assert connection.admit_frame(1)
        clock.turn(1 / 8)
    assert connection.ended is None


async def test_bytes_beyond_the_byte_rate_end_with_4004(
    clock: Clock, transport: FakeTransport
) -> None:
    connection = connect(
        transport,
        clock,
        limits=FrameLimits(1000, rate=100, burst=100, byte_rate=201, byte_burst=402),
    )
    text = '{"type":"bye","x":"%s"}' % ("é" * 90)
    assert len(text.encode()) == 201
    assert connection.read(text) is not None
    assert connection.admit_frame(201)
    clock.turn(1)
    assert connection.read(text) is not None
    assert connection.ended is None
    assert not connection.admit_frame(1)
    assert connection.ended == (4004, "rate limit exceeded")


async def test_the_bytes_of_an_excused_frame_count(clock: Clock, transport: FakeTransport) -> None:
    connection = connect(
        transport, clock, limits=FrameLimits(1000, rate=100, burst=1, byte_rate=1, byte_burst=100)
    )
    for admitted in (True, True, False):
        assert connection.admit_frame(50) is admitted
        connection.excuse_frame()


async def test_data_that_is_too_large_is_answered_with_its_id_and_is_not_malformed(
    clock: Clock, transport: FakeTransport
) -> None:
    connection = connect(
        transport, clock, limits=FrameLimits(1000, rate=100, burst=100, max_publication=9)
    )
    for number in range(20):
        frame = f'{{"type":"message","id":{number},"room":"news","data":"%s","key":"k"}}'
        assert connection.read(frame % "12345678") is None
        assert connection.read(frame % "1234567") is not None
    await connection.flush()
    assert connection.ended is None
    answers = [json.loads(event["text"]) for event in transport.events]
    assert [(each["code"], each["id"], each["room"]) for each in answers] == [
        ("invalid_message", number, "news") for number in range(20)
    ]


async def test_malformed_frames_count_against_the_rate(
    clock: Clock, transport: FakeTransport
) -> None:
    connection = connect(transport, clock, limits=FrameLimits(1000, rate=8, burst=2))
    for _ in range(3):
        connection.read("no JSON")
    assert connection.ended == (4004, "rate limit exceeded")


async def test_a_long_reason_is_complete_in_goodbye_and_cut_in_the_close_frame(
    transport: FakeTransport, connection: Connection
) -> None:
    """A close frame's reason is at most 123 bytes; uvicorn raises for more."""
    connection.end(4500, "é" * 150)
    await connection.flush()
    assert transport.goodbye["reason"] == "é" * 150
    assert transport.events[-1] == {"type": "websocket.close", "code": 4500, "reason": "é" * 61}
