"""Autobahn's WebSocket protocol, which ``DaphneWebSocket`` overrides deeply."""

import daphne.server  # noqa: F401  # isort:skip  # installs the asyncio reactor

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny

from .expectations import Keywords, attributes, callables, check

USED_IN = "servers/daphne/websocket.py"


def test_the_methods_that_ours_overrides() -> None:
    expected = callables(
        WebSocketServerProtocol,
        connectionMade="self",
        connectionLost="self, reason=Ellipsis",
        dataReceived="self, data",
        processData="self",
        consumeData="self",
        onConnect="self, request",
        onMessageBegin="self, isBinary",
        onMessageFrameBegin="self, length",
        onMessageFrameData="self, payload",
        onMessage="self, payload, isBinary",
        onPing="self, payload",
        onPong="self, payload",
        onClose="self, wasClean, code, reason",
        sendData="self, data, sync=False, chopsize=None",
        _fail_connection="self, code=1001, reason='going away'",
        _closeConnection="self, abort=False",
    )
    check("autobahn", expected, used_in=USED_IN)


def test_the_methods_that_ours_calls() -> None:
    expected = [
        *callables(
            WebSocketServerProtocol,
            sendPing="self, payload=None",
            sendCloseFrame="self, code=None, reasonUtf8=None, isReply=False",
            dropConnection="self, abort=False",
            unregisterProducer="self",
        ),
        *callables(WebSocketServerFactory, buildProtocol="self, addr"),
        *callables(ConnectionDeny, __init__="self, code, reason=None"),
        Keywords(WebSocketServerProtocol, "sendFrame", "opcode payload"),
        Keywords(
            WebSocketServerFactory,
            "setProtocolOptions",
            "versions openHandshakeTimeout closeHandshakeTimeout autoPingTimeout "
            "maxMessagePayloadSize maxFramePayloadSize",
        ),
    ]
    check("autobahn", expected, used_in=USED_IN)


def test_the_attributes_of_a_connection() -> None:
    names = (
        "state data failedByMe wasClean wasNotCleanReason localCloseCode is_closed frame_data "
        "websocket_protocols transport transport_details CONFIG_ATTRS"
    )
    check("autobahn", attributes(WebSocketServerProtocol, names), used_in=USED_IN)


def test_the_states_that_become_events() -> None:
    protocol = WebSocketServerProtocol
    states = (
        protocol.STATE_CLOSED,
        protocol.STATE_CONNECTING,
        protocol.STATE_CLOSING,
        protocol.STATE_OPEN,
    )
    assert states == (0, 1, 2, 3)
