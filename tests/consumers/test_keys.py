"""Keys of messages: once for the same user, room and key."""

import pytest

from realtime.consumers import Login, RealtimeConsumer, headers_of
from realtime.routing import websocket_application
from realtime.testing import connect
from realtime.testing.plugin import realtime_worker  # noqa: F401  # a fixture


class Named(RealtimeConsumer):
    """Lets any client in under the name of a header."""

    async def authenticate(self) -> Login:
        return Login(key="", user=headers_of(self.scope)[b"x-user"].decode())

    async def authorize(self, room: str, action: str) -> bool:
        return True


@pytest.mark.usefixtures("realtime_worker")
async def test_keys_of_different_users_never_match() -> None:
    """Not even if primary keys have colons."""
    application = websocket_application(Named)
    async with (
        connect(application=application, headers={"X-User": "ann"}, rooms=["chat"]) as ann,
        connect(application=application, headers={"X-User": "ann:x"}, rooms=["chat"]) as other,
    ):
        for _ in range(2):
            await ann.request("message", room="chat", data="ann's", key="x:1")
            await other.request("message", room="chat", data="other's", key="1")
        await ann.request("message", room="chat", data="the last", key="2")
        data = [(await ann.receive("publication"))["data"] for _ in range(3)]
        assert data == ["ann's", "other's", "the last"]
