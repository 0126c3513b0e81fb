"""Uvicorn's configuration and its HTTP and WebSocket protocols."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
import uvicorn
from uvicorn.protocols import utils
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from .expectations import Keywords, attributes, callables, check


def test_the_configuration() -> None:
    expected = [
        Keywords(
            uvicorn.Config,
            "__init__",
            "app interface lifespan http ws ws_max_size ws_per_message_deflate ws_ping_interval "
            "timeout_keep_alive proxy_headers log_config log_level access_log",
        ),
        *callables(uvicorn.Config, load="self", get_loop_factory="self"),
    ]
    check("uvicorn", expected, used_in="servers/uvicorn/config.py")


def test_the_state_of_the_server() -> None:
    expected = attributes(ServerState(), "connections tasks default_headers")
    check("uvicorn", expected, used_in="servers/uvicorn/server.py")


def test_the_websocket_methods_that_ours_overrides() -> None:
    expected = callables(
        WebSocketsSansIOProtocol,
        __init__="self, config, server_state, app_state, _loop=None",
        connection_made="self, transport",
        connection_lost="self, exc",
        data_received="self, data",
        eof_received="self",
        pause_writing="self",
        resume_writing="self",
        handle_events="self",
        handle_connect="self, event",
        handle_text="self, event",
        handle_bytes="self, event",
        handle_cont="self, event",
        handle_ping="self",
        handle_pong="self, event",
        handle_close="self, event",
        send_receive_event_to_app="self",
        run_asgi="self",
        on_task_complete="self, task",
        send="self, message",
    )
    check("uvicorn", expected, used_in="servers/uvicorn/websocket.py")


def test_the_attributes_of_a_websocket() -> None:
    names = (
        "app client close_sent config conn connections curr_msg_data_type disconnected frames "
        "handshake_complete loop queue request scope tasks transport"
    )
    expected = [
        *attributes(WebSocketsSansIOProtocol, names),
        *attributes(utils, "ClientDisconnected"),
    ]
    check("uvicorn", expected, used_in="servers/uvicorn/websocket.py")


def test_the_http_protocol() -> None:
    expected = [
        *callables(
            H11Protocol,
            __init__="self, config, server_state, app_state, _loop=None",
            connection_made="self, transport",
            connection_lost="self, exc",
            data_received="self, data",
            handle_websocket_upgrade="self, event",
            send_400_response="self, msg",
            shutdown="self",
            on_response_complete="self",
        ),
        *attributes(H11Protocol, "config cycle flow loop transport"),
        *attributes(
            RequestResponseCycle, "disconnected more_body response_complete response_started"
        ),
        *attributes(FlowControl, "read_paused"),
    ]
    check("uvicorn", expected, used_in="servers/uvicorn/http.py")


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("connection_made", ["self", "transport"]),
        ("connection_lost", ["self", "exc"]),
        ("data_received", ["self", "data"]),
        ("handle_websocket_upgrade", ["self"]),
        ("send_400_response", ["self", "msg"]),
        ("shutdown", ["self"]),
        ("on_message_begin", ["self"]),
        ("on_headers_complete", ["self"]),
        ("on_response_complete", ["self"]),
    ],
)
def test_the_http_protocol_on_httptools(method: str, parameters: list[str]) -> None:
    """From the source: httptools, which it imports, need not be installed."""
    package = find_spec("uvicorn")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).with_name("protocols") / "http" / "httptools_impl.py"
    functions = {
        each.name: [argument.arg for argument in each.args.args]
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == "HttpToolsProtocol"
        for each in node.body
        if isinstance(each, ast.FunctionDef)
    }
    assert functions.get(method) == parameters
