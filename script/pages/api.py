"""The HTTP API, from the gateway's own OpenAPI document; the permissions of a route, from its code."""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

from fastapi.routing import APIRoute
from script.pages import permissions
from script.pages.markdown import code, kind, table

from andon.gateway import Gateway, Side, create_control, document, health, metrics
from andon.gateway.app import ROUTERS
from andon.gateway.batch import BatchRoute
from andon.gateway.decide import Decide
from andon.gateway.events import EventDoor
from andon.gateway.label_door import LabelDoor
from andon.gateway.problems import CONTENT_TYPE
from andon.kernel.config import Settings

DECIDE = ("POST", "/v1/automations/{name}/decisions")
BATCH = ("POST", "/v1/automations/{name}/decisions:batch")
EVENTS = ("POST", "/v1/events")
EVENT_BATCH = ("POST", "/v1/events:batch")
LABELS = ("POST", "/v1/labels")
"""The routes below FastAPI."""


def body() -> str:
    """Return a section for each noun, a part for each route; then their request and response shapes."""
    described = document(create_control(_without_parts(), cast(Side, None)))
    handlers = endpoints()
    sections = []
    for tag, routes in _by_tag(described).items():
        sections.append(f"## {tag.capitalize()}\n")
        sections += [_route(verb, path, operation, handlers[verb, path]) for verb, path, operation in routes]
    shapes = described["components"]["schemas"].items()
    return "\n".join([*sections, "## Shapes\n", *(_shape(name, schema) for name, schema in sorted(shapes))])


def _without_parts() -> Gateway:
    """Return a gateway for its description only: it has settings but no database."""
    return cast(Gateway, SimpleNamespace(settings=Settings()))


def endpoints() -> Mapping[tuple[str, str], Callable[..., Any]]:
    """Return the function behind each route."""
    found: dict[tuple[str, str], Callable[..., Any]] = {
        (verb, route.path_format): route.endpoint
        for router in (*ROUTERS, health.router, metrics.router)
        for route in router.routes
        if isinstance(route, APIRoute)
        for verb in route.methods or ()
    }
    below = {
        DECIDE: Decide._admitted,
        BATCH: BatchRoute._asking,
        EVENTS: EventDoor._take,
        EVENT_BATCH: EventDoor._take,
        LABELS: LabelDoor._record,
    }
    return {**found, **below}


def _by_tag(described: Mapping[str, Any]) -> Mapping[str, list[tuple[str, str, dict[str, Any]]]]:
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in described["paths"].items():
        for verb, operation in operations.items():
            found.setdefault(operation["tags"][0], []).append((verb.upper(), path, operation))
    return {tag: sorted(found[tag], key=lambda route: (route[1], route[0])) for tag in sorted(found)}


def _route(verb: str, path: str, operation: dict[str, Any], endpoint: Callable[..., Any]) -> str:
    parts = [f"### `{verb} {path}`\n", f"{operation['description']}\n", f"Operation: `{operation['operationId']}`.\n"]
    if operation["security"]:
        parts.append(f"Needs: {permissions.needed(endpoint) or 'any key'}.\n")
    parameters = operation.get("parameters", [])
    parts += filter(None, [table(("parameter", "in", "takes", "default", "meaning"), map(_parameter, parameters))])
    if "requestBody" in operation:
        parts.append(f"Body: {_contents(operation['requestBody']['content'])}.\n")
    parts.append("\n".join(_answers(operation["responses"])) + "\n")
    return "\n".join(parts)


def _contents(content: dict[str, Any]) -> str:
    """Describe the possible bodies; with the media types when there are several."""
    kinds = {media_type: kind(each.get("schema", {})) for media_type, each in content.items()}
    return ", ".join(kinds.values() if len(kinds) == 1 else (f"{said} ({code(name)})" for name, said in kinds.items()))


def _parameter(parameter: dict[str, Any]) -> tuple[str, str, str, str, str]:
    schema = parameter["schema"]
    takes = " or ".join(kind(each) for each in schema.get("anyOf", [schema]) if each.get("type") != "null")
    default = "required" if parameter["required"] else code(schema["default"]) if "default" in schema else ""
    return code(parameter["name"]), parameter["in"], takes, default, parameter.get("description", "")


def _answers(responses: dict[str, Any]) -> Iterator[str]:
    for status, response in responses.items():
        if not status.startswith(("2", "3")) and CONTENT_TYPE in response["content"]:
            continue  # problems, which are the same for every operation
        content = response.get("content", {})
        shape = _contents(content) or "nothing"
        said = "" if response["description"] == "Successful Response" else f". {response['description'].rstrip('.')}"
        yield f"- {status}: {shape}{said}."


def _shape(name: str, schema: dict[str, Any]) -> str:
    said = f"{schema['description']}\n\n" if "description" in schema else ""
    if "properties" not in schema:
        return f"### {name}\n\n{said}{kind(schema)}.\n"
    required = schema.get("required", ())
    rows = (
        (code(field), kind(each) + ("" if field in required else ", optional"), each.get("description", ""))
        for field, each in schema["properties"].items()
    )
    return f"### {name}\n\n{said}{table(('field', 'is', 'meaning'), rows)}"
