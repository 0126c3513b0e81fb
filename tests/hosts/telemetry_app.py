"""The application with rooms within OpenTelemetry's middleware, whose spans go to a file."""

import os

from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from tests.e2e import rooms_app

provider = TracerProvider()
file = open(os.environ["REPORTS"], "a", buffering=1)  # noqa: SIM115  # until the process ends
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=file)))
trace.set_tracer_provider(provider)
application = OpenTelemetryMiddleware(rooms_app.application)
