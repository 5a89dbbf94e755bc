"""CloudEvents 1.0 in messages: binary (attributes are headers), structured, and in batches; or plain JSON. Pure.

Headers begin with `ce_` in Kafka and with `ce-` in HTTP and NATS. A message without any is the input itself.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote

from pydantic_core import from_json, to_json

from andon.kernel.errors import Fault, Invalid
from andon.streams.domain import moment_of

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
LONGEST = 1024
"""The most bytes of an event's id, and of its source. They are indexed together; an index takes 2,700 bytes."""

_VERSIONS = ("1.0",)
_TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_REQUIRED = ("id", "source", "type", "specversion")
_DATA = ("data", "data_base64")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]{8}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
"""The form of a moment in RFC 3339, section 5.6."""


class EventUnreadable(Invalid):
    """This is neither a CloudEvent nor JSON."""


class Event(NamedTuple):
    """One event: its data as JSON text, and its attributes. Plain JSON has none."""

    data: bytes
    source: str | None = None
    id: str | None = None
    type: str | None = None
    time: datetime | None = None
    correlation: str | None = None
    traceparent: str | None = None


def events_of(data: bytes, headers: Mapping[str, str]) -> list[Event | EventUnreadable]:
    """Return the events in one message; unreadable ones of a batch keep their places. Raises EventUnreadable."""
    prefix = "ce_" if "ce_specversion" in headers or "ce_id" in headers else "ce-"
    media = headers.get("content-type", "")
    if media.startswith(BATCHED):
        return _batched(data)
    if media.startswith(STRUCTURED):
        return [_structured(_object(data))]
    if prefix == "ce_" or "ce-id" in headers or "ce-specversion" in headers:
        return [_binary(data, headers, prefix, media)]
    return [Event(data)]


def event_of(data: bytes, headers: Mapping[str, str]) -> Event:
    """Return the one event in a message that is not a batch. Raises EventUnreadable."""
    (event,) = events_of(data, headers)
    if isinstance(event, EventUnreadable):
        raise event
    return event


def value_of(data: bytes) -> Any:
    """Return JSON text as values; numbers that are not valid JSON are refused. Raises EventUnreadable."""
    try:
        return from_json(data, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise EventUnreadable(f"It is not JSON: {error}") from None


def _binary(data: bytes, headers: Mapping[str, str], prefix: str, media: str) -> Event:
    get = headers.get
    identifier, source, kind = get(prefix + "id"), get(prefix + "source"), get(prefix + "type")
    if not (identifier and source and kind) or get(prefix + "specversion") not in _VERSIONS:
        _refuse({name: get(prefix + name) for name in _REQUIRED}, prefix)
    if media and "json" not in media:
        raise EventUnreadable(f"Its data is {media[:60]}; expected application/json")
    time = get(prefix + "time")
    if prefix == "ce-":  # HTTP percent-encodes blanks and everything that is not ASCII
        identifier, source, kind = (unquote(text) if "%" in text else text for text in (identifier, source, kind))
    return _checked(
        data,
        source,
        identifier,
        kind,
        time,
        get(prefix + "correlationid"),
        get(prefix + "traceparent", get("traceparent")),
    )


def _structured(envelope: Mapping[str, Any]) -> Event:
    texts = {name: value for name, value in envelope.items() if isinstance(value, str)}
    get = texts.get
    identifier, source, kind = get("id"), get("source"), get("type")
    if not (identifier and source and kind) or get("specversion") not in _VERSIONS:
        _refuse({name: get(name) for name in _REQUIRED}, "")
    nested = [name for name, value in envelope.items() if name not in _DATA and isinstance(value, dict | list)]
    if nested:
        faults = [Fault(name, "expected a text, a number or a boolean") for name in nested]
        raise EventUnreadable("Its attributes cannot be read", faults=faults)
    data, time = _data_of(envelope), envelope.get("time")
    return _checked(data, source, identifier, kind, time, get("correlationid"), get("traceparent"))


def _data_of(envelope: Mapping[str, Any]) -> bytes:
    """Return a structured event's data, in either form; null stands for a missing attribute."""
    encoded = envelope.get("data_base64")
    if encoded is None:
        if "data" not in envelope:
            raise EventUnreadable("It has no data", faults=[Fault("data", "expected the automation's input")])
        return to_json(envelope["data"])
    if envelope.get("data") is not None:
        raise EventUnreadable("It has data twice", faults=[Fault("data_base64", "expected this or data, not both")])
    return _decoded(encoded)


def _batched(data: bytes) -> list[Event | EventUnreadable]:
    values = value_of(data)
    if not isinstance(values, list):
        raise EventUnreadable("A batch is a JSON array of CloudEvents")
    found: list[Event | EventUnreadable] = []
    for value in values:
        try:
            if not isinstance(value, dict):
                raise EventUnreadable("It is not a JSON object")
            found.append(_structured(value))
        except EventUnreadable as error:
            found.append(error)
    return found


def _checked(
    data: bytes, source: str, identifier: str, kind: str, time: Any, correlation: str | None, trace: str | None
) -> Event:
    moment = None
    if time is not None:
        moment = moment_of(time.upper()) if isinstance(time, str) and _TIME.fullmatch(time) else None
        if moment is None:
            raise EventUnreadable(
                "Its time cannot be read",
                faults=[Fault("time", "expected a time with its zone, such as 2026-11-25T09:30:00Z")],
            )
    _require_short(source=source, id=identifier)
    if "\0" in source or "\0" in identifier or "\0" in kind or (correlation is not None and "\0" in correlation):
        raise EventUnreadable("One of its attributes holds a NUL character, which cannot be stored")
    return Event(
        data,
        source,
        identifier,
        kind,
        moment,
        correlation or None,
        trace if trace and _TRACEPARENT.match(trace) else None,
    )


def _require_short(**attributes: str) -> None:
    """Raise EventUnreadable for attributes that are too long for an index."""
    long = {name: size for name, text in attributes.items() if (size := _bytes_in(text)) > LONGEST}
    if long:
        raise EventUnreadable(
            "Its id or source is too long",
            faults=[Fault(name, f"has {size} bytes, expected at most {LONGEST}") for name, size in long.items()],
        )


def _bytes_in(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _object(data: bytes) -> dict[str, Any]:
    value = value_of(data)
    if not isinstance(value, dict):
        raise EventUnreadable("A structured CloudEvent is a JSON object")
    return value


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise EventUnreadable("Its data cannot be read", faults=[Fault("data_base64", "expected Base64")]) from None


def _refuse(given: Mapping[str, str | None], prefix: str) -> NoReturn:
    version = given["specversion"]
    if version is not None and version not in _VERSIONS:
        raise EventUnreadable(
            "Its version of CloudEvents is not supported", faults=[Fault(f"{prefix}specversion", "expected 1.0")]
        )
    faults = [Fault(f"{prefix}{name}", "expected a non-empty text") for name in _REQUIRED if not given[name]]
    raise EventUnreadable(f"It lacks {', '.join(fault.where for fault in faults)}", faults=faults)
