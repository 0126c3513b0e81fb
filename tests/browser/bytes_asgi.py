"""The demo, which answers binary frames with reversed bytes. ``/bare/`` is a page that consists
of the ``body`` in its query, with the content security ``policy`` there."""

from typing import Any
from urllib.parse import parse_qs

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from project.asgi import pages  # loads the apps
from project.chat import ChatConsumer
from realtime.routing import realtime_application


class Echo(ChatConsumer):
    async def receive_bytes(self, data: bytes) -> None:
        self.send_bytes(data[::-1])


async def bare_or_demo(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] != "/bare/":
        await demo(scope, receive, send)
        return
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    headers = [(b"content-type", b"text/html")]
    if "policy" in query:
        headers.append((b"content-security-policy", query["policy"].encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": query["body"].encode()})


demo = ASGIStaticFilesHandler(pages)
application = realtime_application(bare_or_demo, consumer=Echo)
