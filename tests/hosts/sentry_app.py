"""The application with rooms within Sentry's middleware, whose events go to a file."""

import json
import os

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.transport import Transport

from tests.e2e import rooms_app


class FileTransport(Transport):
    def capture_envelope(self, envelope: Envelope) -> None:
        with open(os.environ["REPORTS"], "a") as file:
            for item in envelope.items:
                file.write(json.dumps(item.payload.json, default=str) + "\n")


sentry_sdk.init(
    "http://key@127.0.0.1:9/1", transport=FileTransport, traces_sample_rate=1.0, debug=False
)
application = SentryAsgiMiddleware(rooms_app.application)
