"""Logs of one process on stderr: JSON lines, or readable lines at a terminal; never with the value of a variable."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

from andon.kernel.tracebacks import describe


class _Stderr:
    """The current standard error stream. Output that it cannot take, as on a full disk, is lost; work continues."""

    def write(self, text: str) -> None:
        """Write text."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush the buffer."""
        with suppress(OSError):
            sys.stderr.flush()


class _Libraries(logging.Handler):
    """The handler of libraries' logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one line."""
        _Stderr().write(self.format(record) + "\n")


def configure_logs(process: str, level: str) -> None:
    """Log to stderr with the process's name and everything bound to the context, such as the correlation id.

    Each line is one JSON object. At a terminal it is a line for people.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: list[structlog.types.Processor] = [
        structlog.processors.ExceptionRenderer(describe),
        *(_for_people() if sys.stderr.isatty() else [structlog.processors.JSONRenderer()]),
    ]
    _log_libraries(level, shared, rendered)
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Stderr())),  # one write per event
    )
    structlog.contextvars.bind_contextvars(process=process)
    sys.excepthook = _log_end


def _for_people() -> list[structlog.types.Processor]:
    colors = "NO_COLOR" not in os.environ
    plain = structlog.dev.plain_traceback
    return [_as_text, structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, exception_formatter=plain)]


def _as_text(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Write a described exception as indented lines: its type and message, its frames, its causes."""
    del logger, method
    if isinstance(error := event.get("exception"), dict):
        event["exception"] = "\n".join(_lines_of(error))
    return event


def _lines_of(error: Mapping[str, Any], before: str = "") -> Iterator[str]:
    message = error.get("message")
    yield f"  {before}{error['type']}{f': {message}' if message else ''}"
    yield from (f"    at {place}" for place in error["at"])
    if cause := error.get("cause"):
        yield from _lines_of(cause, "caused by ")
    for one in error.get("exceptions", ()):
        yield from _lines_of(one, "with ")


def _log_libraries(
    level: str, shared: list[structlog.types.Processor], rendered: list[structlog.types.Processor]
) -> None:
    """Log warnings and errors of libraries in the same form; their reports of normal operation are omitted."""
    handler = _Libraries()
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
    """Keep the first line of a library's message; the other lines of asyncio and others show live objects."""
    del logger, method
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _log_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log the last line of a process that a bug ends."""
    structlog.get_logger(__name__).critical("process.failed", exc_info=(kind, error, trace))
