"""Traces across processes: a span continues a W3C `traceparent` and passes its own on. A no-op without a collector.

Attributes name automations, outcomes, counts; never an input, a person or a secret. An exception's text may contain one
of these, so exceptions are not recorded either: the opener of a span sets its status.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import time_ns
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NO_SPAN = trace.INVALID_SPAN
"""A span that records nothing, for calls without a trace."""

_tracer = trace.get_tracer("andon")
_propagator = TraceContextTextMapPropagator()


@contextmanager
def span(
    name: str, *, parent: str | None, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, Any] | None = None
) -> Iterator[Span]:
    """Open a span around the block; it continues the traceparent `parent`, or begins a new trace without one."""
    with _tracer.start_as_current_span(
        name,
        _context(parent),
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        yield opened


def tell(
    name: str,
    seconds: float,
    *,
    parent: str | None = None,
    links: Iterable[str | None] = (),
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Record a span of `seconds` that has just ended; `links` are the traceparents of the work it served."""
    ended = time_ns()
    told = _tracer.start_span(
        name,
        _context(parent),
        links=[link for traceparent in links if (link := _link(traceparent)) is not None],
        attributes=attributes,
        start_time=ended - int(seconds * 1e9),
    )
    told.end(ended)


def tell_between(
    name: str, began_ns: int, ended_ns: int, *, parent: str | None, attributes: Mapping[str, Any] | None = None
) -> None:
    """Record a finished span between two moments of `time_ns`."""
    _tracer.start_span(name, _context(parent), attributes=attributes, start_time=began_ns).end(ended_ns)


def is_sampled(traceparent: str | None) -> bool:
    """Return whether spans below this traceparent are recorded."""
    return traceparent is not None and int(traceparent[-2:], 16) & 1 == 1


def traceparent_of(of: Span) -> str | None:
    """Return the traceparent by which others continue this span; None if it belongs to no trace."""
    if not of.get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(of, Context()))
    return carrier["traceparent"]


def _context(traceparent: str | None) -> Context:
    return Context() if traceparent is None else _propagator.extract({"traceparent": traceparent}, Context())


def _link(traceparent: str | None) -> Link | None:
    context = trace.get_current_span(_context(traceparent)).get_span_context()
    return Link(context) if context.is_valid else None
