"""Traces of one process, sent by OpenTelemetry. Imported only for a configured collector: it costs 7 MB per process."""

from collections.abc import Callable
from threading import Thread

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from andon.version import __version__

_COLLECTOR_SECONDS = 3.0
_SPANS_WAIT_MILLISECONDS = 1000


def configure_traces(process: str, endpoint: str) -> Callable[[], None]:
    """Send spans to an OpenTelemetry collector from now on. Return a function that sends the rest at the end."""
    provider = TracerProvider(
        resource=Resource({"service.name": f"andon-{process}", "service.version": __version__}), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_COLLECTOR_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_SPANS_WAIT_MILLISECONDS))
    trace.set_tracer_provider(provider)

    def send_the_rest() -> None:
        """Send the rest within a time limit: a silent collector must not keep the process from ending."""
        sending = Thread(target=provider.shutdown, daemon=True)
        sending.start()
        sending.join(_COLLECTOR_SECONDS)

    return send_the_rest
