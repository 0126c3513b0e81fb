"""Daphne's server and its two protocols."""

import daphne.server  # isort:skip  # installs the asyncio reactor

from daphne import http_protocol, ws_protocol

from .expectations import Keywords, attributes, callables, check


def test_the_server() -> None:
    expected = [
        *callables(
            daphne.server.Server,
            handle_reply="self, protocol, message",
            protocol_connected="self, protocol",
            create_application="self, protocol, scope",
            protocol_disconnected="self, protocol",
        ),
        Keywords(daphne.server.Server, "__init__", "application endpoints action_logger"),
        *attributes(
            daphne.server.Server,
            "application connections http_factory ws_factory server_name log_action root_path",
        ),
    ]
    check("daphne", expected, used_in="servers/daphne/server.py")


def test_the_websocket_protocol() -> None:
    expected = [
        *callables(
            ws_protocol.WebSocketProtocol,
            onConnect="self, request",
            onClose="self, wasClean, code, reason",
            handle_reply="self, message",
            serverSend="self, content, binary=False",
            serverAccept="self, subprotocol=None",
        ),
        *callables(
            ws_protocol.WebSocketFactory,
            __init__="self, server_class, *args, **kwargs",
            buildProtocol="self, addr",
        ),
        *attributes(
            ws_protocol.WebSocketProtocol,
            "handshake_deferred application_queue client_addr request server",
        ),
        *attributes(ws_protocol.WebSocketFactory, "server_class"),
    ]
    check("daphne", expected, used_in="servers/daphne/websocket.py")


def test_the_http_protocol() -> None:
    expected = [
        *callables(
            http_protocol.WebRequest,
            process="self",
            basic_error="self, status, status_text, body",
        ),
        *callables(http_protocol.HTTPFactory, __init__="self, server", buildProtocol="self, addr"),
        *attributes(http_protocol.WebRequest, "application_queue _response_started"),
        *attributes(http_protocol.HTTPFactory, "server"),
    ]
    check("daphne", expected, used_in="servers/daphne/http.py")
