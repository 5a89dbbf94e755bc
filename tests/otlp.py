"""A real OpenTelemetry collector's front door on loopback: takes spans as protobuf over HTTP and keeps them for tests.

with Collector() as collector:
    ... [telemetry] otlp_endpoint = collector.url ...
    spans = collector.wait_for(lambda spans: "ledger.commit" in {span.name for span in spans})
"""

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclass(frozen=True)
class Told:
    """One span as it came; ids in hex, as a traceparent has them, times in nanoseconds since 1970."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: frozenset[tuple[str, str]]
    attributes: Mapping[str, Any]
    events: int
    failed: bool
    status: str
    began: int
    ended: int


class Collector:
    """Listens on a free port of 127.0.0.1 between `__enter__` and `__exit__`."""

    def __init__(self) -> None:
        self._spans: list[Told] = []
        self._changed = Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _door(self._take))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """What `[telemetry] otlp_endpoint` is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def wait_for(self, enough: Callable[[list[Told]], bool], *, within: float = 15) -> list[Told]:
        """All spans, once there are `enough`, or when the time is up."""
        with self._changed:
            self._changed.wait_for(lambda: enough(self._spans), within)
            return list(self._spans)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._changed:
            for resource in request.resource_spans:
                service = _values(resource.resource.attributes)["service.name"]
                self._spans += [_told(service, span) for scope in resource.scope_spans for span in scope.spans]
            self._changed.notify_all()


def _door(take: Callable[[bytes], None]) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server gives it
            """Nothing."""

    return Door


def _told(service: str, span: trace_pb2.Span) -> Told:
    return Told(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        links=frozenset((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        attributes=_values(span.attributes),
        events=len(span.events),
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        status=span.status.message,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
    )


def _values(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, str(kind))
