"""Traces of a process, sent to a collector if one is configured."""

import importlib
from collections.abc import Callable

from andon.kernel.config import Settings


def tracing(process: str, settings: Settings) -> Callable[[], None]:
    """Begin to send traces, if a collector is configured; return a function that sends the rest at the end."""
    if settings.telemetry.otlp_endpoint is None:
        return lambda: None
    traces = importlib.import_module("andon.kernel.traces")
    send_the_rest: Callable[[], None] = traces.configure_traces(process, settings.telemetry.otlp_endpoint)
    return send_the_rest
