"""Incoming events and outgoing results, as an AsyncAPI 3.0 document. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from andon.authoring import ActionSpec, Automation, Trigger
from andon.decisions import Contract, Shown, shown
from andon.version import __version__

_PROTOCOLS = {"kafka": "kafka", "nats": "nats", "http": "http"}
_ATTRIBUTES: Mapping[str, Any] = {
    "id": {
        "type": "string",
        "description": "Together with `source`, it identifies the event: a repeat is not decided.",
    },
    "source": {"type": "string", "format": "uri-reference"},
    "specversion": {"const": "1.0"},
    "type": {"type": "string"},
    "time": {"type": "string", "format": "date-time", "description": "When it happened; windows see it at that time."},
    "correlationid": {"type": "string"},
    "traceparent": {"type": "string"},
}


def document(automations: Iterable[Automation], *, title: str = "Andon") -> dict[str, Any]:
    """Return the document for these automations."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for automation in automations:
        if automation.triggers or automation.results is not None:
            schemas[f"{automation.name}.input"] = _without_references(Contract(automation.contract).schema())
        for trigger in automation.triggers:
            _receive(automation, trigger, channels, operations, messages)
        if automation.results is not None:
            _send(automation, automation.results, channels, operations, messages, schemas)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": "Events that are decided, and decisions that are published.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _receive(
    automation: Automation,
    trigger: Trigger,
    channels: dict[str, Any],
    operations: dict[str, Any],
    messages: dict[str, Any],
) -> None:
    name = _key(f"{automation.name}.{trigger.name}")
    read = trigger.read is not None
    payload = {"type": "object"} if read else {"$ref": f"#/components/schemas/{automation.name}.input"}
    messages[name] = {
        "name": name,
        "title": f"An event that {automation.name} decides",
        "contentType": "application/json",
        "summary": "CloudEvents 1.0, binary or structured, or JSON that is the data itself."
        + (" The automation builds its input from the data." if read else ""),
        "payload": payload,
        **({"headers": _headers(trigger.types)} if trigger.source in _PROTOCOLS else {}),
    }
    channels[name] = {
        "address": "/v1/events" if trigger.source == "http" else trigger.place,
        "messages": {"event": {"$ref": f"#/components/messages/{name}"}},
        "description": f"{trigger.source} {trigger.place}",
        **({"bindings": {_PROTOCOLS[trigger.source]: {}}} if trigger.source in _PROTOCOLS else {}),
    }
    operations[f"{name}.decide"] = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/event"}],
        "summary": f"{automation.name} decides each event once.",
    }


def _send(
    automation: Automation,
    results: ActionSpec,
    channels: dict[str, Any],
    operations: dict[str, Any],
    messages: dict[str, Any],
    schemas: dict[str, Any],
) -> None:
    name = _key(f"{automation.name}.results")
    schemas[f"{automation.name}.decision"] = _decision(automation.name)
    messages[name] = {
        "name": name,
        "title": f"A decision of {automation.name}",
        **_told(results, {"$ref": f"#/components/schemas/{automation.name}.decision"}),
    }
    channels[name] = {
        "address": str(results.options.get("topic") or results.options.get("subject") or results.destination),
        "messages": {"decision": {"$ref": f"#/components/messages/{name}"}},
        "description": f"{results.connector} to {results.destination}",
        **({"bindings": {_PROTOCOLS[results.connector]: {}}} if results.connector in _PROTOCOLS else {}),
    }
    operations[f"{name}.publish"] = {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/decision"}],
        "summary": "Each is sent at least once, under one id.",
    }


def _told(results: ActionSpec, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of a decision: a broker has the attributes as headers, a webhook in an envelope."""
    if results.connector in _PROTOCOLS and results.connector != "http":
        return {"contentType": "application/json", "headers": _headers(()), "payload": decision}
    if results.connector != "webhook":
        return {"contentType": "application/json", "payload": decision}
    if results.options.get("cloudevents"):
        envelope = {**{name: _ATTRIBUTES[name] for name in _ATTRIBUTES if name != "traceparent"}, "data": decision}
        return {"contentType": "application/cloudevents+json", "payload": {"type": "object", "properties": envelope}}
    envelope = {"type": {"type": "string"}, "timestamp": {"type": "string", "format": "date-time"}, "data": decision}
    return {"contentType": "application/json", "payload": {"type": "object", "properties": envelope}}


def _headers(types: tuple[str, ...]) -> dict[str, Any]:
    attributes = {f"ce_{name}": schema for name, schema in _ATTRIBUTES.items()}
    if types:
        attributes["ce_type"] = {"enum": list(types)}
    return {"type": "object", "properties": attributes}


def _decision(automation: str) -> dict[str, Any]:
    """Return the schema of a sent decision: the fields that are shown outside."""
    special: dict[str, Any] = {
        "automation": {"const": automation},
        "input": {"$ref": f"#/components/schemas/{automation}.input"},
    }
    properties: dict[str, Any] = {}
    for field in shown(Shown.OUTSIDE):
        group, _, inner = field.path.partition(".")
        into = properties.setdefault(group, {"type": "object", "properties": {}})["properties"] if inner else properties
        schema = special.get(field.name) or _without_references(msgspec.json.schema(field.type))
        into[inner or group] = {"description": field.meaning, **schema}
    return {"type": "object", "properties": properties}


def _without_references(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its references inlined, so that it is self-contained; a recursive one becomes anything."""
    shared = schema.get("$defs", {})

    def plain(value: Any, within: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/$defs/"):
                name = reference.removeprefix("#/$defs/")
                return {} if name in within else plain(shared[name], (*within, name))
            return {key: plain(inner, within) for key, inner in value.items() if key != "$defs"}
        return [plain(inner, within) for inner in value] if isinstance(value, list) else value

    written: dict[str, Any] = plain(schema, ())
    return written


def _key(name: str) -> str:
    """Return a valid AsyncAPI component key: letters, digits, `.`, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-")
