"""Websockets' sans-I/O parser, as uvicorn's WebSocket protocol and ours use it; the transport that
our client aborts, and the redirects that it does not follow."""

import inspect

import websockets.http11
from websockets import frames
from websockets.asyncio.client import ClientConnection, connect
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from .expectations import attributes, callables, check

USED_IN = "servers/uvicorn/parser.py and websocket.py"


def test_the_methods_of_the_parser() -> None:
    expected = callables(
        ServerProtocol,
        reject="self, status, text",
        send_response="self, response",
        receive_data="self, data",
        send_close="self, code=None, reason=''",
        send_ping="self, data",
        fail="self, code, reason=''",
        data_to_send="self",
        recv_frame="self, frame",
    )
    check("websockets", expected, used_in=USED_IN)


def test_the_attributes_of_the_parser() -> None:
    names = "events parser parser_exc handshake_exc reader close_sent close_rcvd current_size"
    expected = [
        *attributes(ServerProtocol, names),
        *attributes(StreamReader, "buffer"),
        *attributes(frames.Close, "code reason"),
        *attributes(frames.Frame, "data opcode"),
        *attributes(frames.Opcode, "CLOSE"),
    ]
    check("websockets", expected, used_in=USED_IN)


def test_the_class_of_a_parser_can_be_replaced() -> None:
    class Another(ServerProtocol):
        """Without attributes of its own."""

    parser = ServerProtocol()
    parser.__class__ = Another
    assert isinstance(parser, Another)


def test_the_limit_of_a_line_is_read_when_a_request_is_parsed() -> None:
    assert "MAX_LINE_LENGTH" in inspect.getsource(websockets.http11.parse_line)


def test_the_transport_of_a_client() -> None:
    check("websockets", attributes(ClientConnection, "transport"), used_in="client/socket.py")


def test_the_redirects_of_a_handshake() -> None:
    expected = callables(connect, process_redirect="self, exc")
    check("websockets", expected, used_in="client/dialling.py")
