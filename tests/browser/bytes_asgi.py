"""The demo, which answers binary frames with reversed bytes. ``/bare/`` is a page that consists
of the ``body`` in its query, with the content security ``policy`` there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from project.asgi import pages  # loads the apps
from project.chat import ChatConsumer
from realtime.consumers import ClientRequest
from realtime.routing import realtime_application


class Echo(ChatConsumer):
    """``made`` is how many parts its newest stream has made."""

    made = 0
    closed = False

    async def receive_bytes(self, data: bytes) -> None:
        self.send_bytes(data[::-1])

    async def receive_request(self, request: ClientRequest) -> Any:
        match request.name:
            case "double":
                return [request.data, request.data]
            case "count":
                return self.count(request.data)
            case "made" | "closed":
                return getattr(self, request.name)
            case "wait":
                await asyncio.Event().wait()
            case "end":
                self.connection.end(4008)
        return await super().receive_request(request)

    async def count(self, to: int) -> AsyncIterator[int]:
        try:
            for self.made in range(to):
                yield self.made
        finally:
            self.closed = True


async def bare_or_demo(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] != "/bare/":
        await demo(scope, receive, send)
        return
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    # As Django's own pages: Firefox keeps nothing that a page saves on its way to another policy.
    headers = [(b"content-type", b"text/html"), (b"cross-origin-opener-policy", b"same-origin")]
    if "policy" in query:
        headers.append((b"content-security-policy", query["policy"].encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": query["body"].encode()})


demo = ASGIStaticFilesHandler(pages)
application = realtime_application(bare_or_demo, consumer=Echo)
