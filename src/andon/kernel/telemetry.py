"""Logs, metrics and traces of one process: structured lines on stderr, a Prometheus registry, OpenTelemetry when configured."""

import logging
import sys
from collections.abc import Callable, Iterable
from threading import Thread
from types import TracebackType

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from andon.kernel.tracebacks import describe
from andon.version import __version__

LATENCY_BUCKETS = (
    0.0005,
    0.001,
    0.002,
    0.003,
    0.005,
    0.0075,
    0.01,
    0.02,
    0.03,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
"""Seconds; fine where a decision's answer lies."""

_COLLECTOR_SECONDS = 3.0
_SPANS_WAIT_MILLISECONDS = 1000

METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST


def configure_logs(process: str, level: str) -> None:
    """One JSON object a line on stderr, with the process's name and whatever is bound to the context (correlation id)."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: list[structlog.types.Processor] = [
        structlog.processors.ExceptionRenderer(describe),
        structlog.processors.JSONRenderer(),
    ]
    _log_libraries(level, shared, rendered)
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(process=process)
    sys.excepthook = _log_end


def _log_libraries(
    level: str, shared: list[structlog.types.Processor], rendered: list[structlog.types.Processor]
) -> None:
    """Warnings and errors of libraries in the same form; what they say of their good health is left out."""
    handler = logging.StreamHandler(sys.stderr)
    drop_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, _first_line],
            processors=[drop_meta, *rendered],
        )
    )
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG if level == "debug" else logging.WARNING)


def _first_line(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What a library says, without the lines below, in which asyncio and others show the objects at hand."""
    del logger, method
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _log_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last line of a process that ends by a bug."""
    structlog.get_logger(__name__).critical("process.failed", exc_info=(kind, error, trace))


def configure_traces(process: str, endpoint: str | None) -> Callable[[], None]:
    """Send spans to an OpenTelemetry collector, if one is configured; what it returns sends the rest, at the end."""
    if endpoint is None:
        return lambda: None
    provider = TracerProvider(
        resource=Resource({"service.name": f"andon-{process}", "service.version": __version__}), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_COLLECTOR_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_SPANS_WAIT_MILLISECONDS))
    trace.set_tracer_provider(provider)

    def send_the_rest() -> None:
        """Within bounds: a collector that does not answer must not keep the process from ending."""
        sending = Thread(target=provider.shutdown, daemon=True)
        sending.start()
        sending.join(_COLLECTOR_SECONDS)

    return send_the_rest


class Metrics:
    """Every metric of Andon, in a registry of its own. What each means is its help text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._gauge("andon_build_info", "Which version runs.", ("version",)).labels(__version__).set(1)
        self.requests = self._counter(
            "andon_http_requests_total", "Decide requests by answer.", ("automation", "status")
        )
        self.latency = self._histogram(
            "andon_decision_seconds", "From admission to the answer, commit included.", ("automation",)
        )
        self.commit = self._histogram("andon_commit_seconds", "One group commit of decisions.", ())
        self.decisions = self._counter("andon_decisions_total", "Recorded decisions.", ("automation", "outcome"))
        self.batches = self._counter("andon_batches_total", "Group commits.", ())
        self.errors = self._counter("andon_errors_total", "Decisions that could not be made.", ("kind",))
        self.model_cpu = self._counter(
            "andon_model_cpu_seconds_total", "CPU time spent predicting and ruling.", ("model", "version")
        )
        self.deliveries = self._counter(
            "andon_deliveries_total", "Delivery attempts by answer.", ("destination", "answer")
        )
        self.delivery_seconds = self._histogram("andon_delivery_seconds", "One delivery attempt.", ("destination",))
        self.dead_letters = self._counter("andon_dead_letters_total", "Deliveries given up.", ("destination",))
        self.retries = self._counter("andon_delivery_retries_total", "Attempts after the first.", ("destination",))
        self.reviews_opened = self._counter("andon_reviews_opened_total", "Reviews opened.", ())
        self.sealed = self._counter("andon_audit_checkpoints_total", "Checkpoints written.", ())

    def gauge_of(self, name: str, description: str, read: Callable[[], float], **labels: str) -> None:
        """A gauge that is read when it is scraped."""
        self.registry.register(_Read(name, description, labels, read))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, description: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, description, labels, registry=self.registry)

    def _gauge(self, name: str, description: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, description, labels, registry=self.registry)

    def _histogram(self, name: str, description: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, description, labels, buckets=LATENCY_BUCKETS, registry=self.registry)


class _Read(Collector):
    def __init__(self, name: str, description: str, labels: dict[str, str], read: Callable[[], float]) -> None:
        self._name, self._description, self._labels, self._value = name, description, labels, read

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self._name, self._description, labels=list(self._labels))
        family.add_metric(list(self._labels.values()), self._value())
        return [family]

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(self._name, self._description, labels=list(self._labels))]
