"""The options of autobahn's factory: its connections have them, and nothing formats them."""

import daphne.server  # noqa: F401  # isort:skip  # installs the asyncio reactor

from typing import Any

import pytest
from autobahn.websocket import protocol as autobahn

from realtime.servers.daphne.websocket import WebSocketFactory

OPTIONS = autobahn.WebSocketServerProtocol.CONFIG_ATTRS


def test_a_connection_has_the_options_of_its_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    formatted: list[Any] = []
    monkeypatch.setattr(autobahn, "pformat", formatted.append)
    factory = WebSocketFactory(None)
    factory.setProtocolOptions(maxMessagePayloadSize=1234)
    protocol = factory.buildProtocol(None)
    autobahn.WebSocketProtocol._connectionMade(protocol)
    options = {name: getattr(protocol, name) for name in OPTIONS}
    assert options == {name: getattr(factory, name) for name in OPTIONS}
    assert options["maxMessagePayloadSize"] == 1234
    assert formatted == [[]]
