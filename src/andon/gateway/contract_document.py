"""The OpenAPI document of one automation: deciding with its contract as the body, and reading decisions made later."""

import re
from collections.abc import Mapping
from typing import Any

from andon.gateway import direct_operations
from andon.gateway.documents import complete

_DECISION = "/v1/decisions/{decision_id}"
_REFERENCE = re.compile(r"#/(?:\$defs|components/schemas)/(.+)")


def contract_document(
    whole: Mapping[str, Any], automation: str, version: int, contract: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the document for programs that call this automation. `whole` is the document of all routes."""
    known: Mapping[str, Any] = whole["components"]["schemas"]
    title = str(contract.get("title", "Input"))
    own = {title: {key: value for key, value in contract.items() if key != "$defs"}, **contract.get("$defs", {})}
    names = {name: f"{name}Input" if name in known else name for name in own}
    if contract.get("$ref"):  # a contract that holds itself
        del own[title]
        body = _renamed({"$ref": contract["$ref"]}, names)
    else:
        body = {"$ref": f"#/components/schemas/{names[title]}"}
    schemas = {names[name]: _renamed(schema, names) for name, schema in own.items()}
    decide, batch = direct_operations.decide(body, []), direct_operations.decide_batch(body, [])
    for operation in (decide, batch):
        complete(operation, verb="post", is_open=False)
        operation["responses"]["404"] = whole["paths"][_DECISION]["get"]["responses"]["404"]
    paths = {
        direct_operations.DECIDE_PATH.format(name=automation): {"post": decide},
        direct_operations.BATCH_PATH.format(name=automation): {"post": batch},
        _DECISION: whole["paths"][_DECISION],
    }
    return {
        "openapi": whole["openapi"],
        "info": {
            "title": automation,
            "version": str(version),
            "description": f"Deciding with the automation {automation}, version {version}.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, **_reached(paths, known)},
            "securitySchemes": whole["components"]["securitySchemes"],
        },
    }


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    """Return a schema with its references changed to the components of the document."""
    if isinstance(schema, list):
        return [_renamed(each, names) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    renamed = {key: _renamed(value, names) for key, value in schema.items()}
    match = _REFERENCE.fullmatch(schema["$ref"]) if isinstance(schema.get("$ref"), str) else None
    return renamed if match is None else {**renamed, "$ref": f"#/components/schemas/{names[match[1]]}"}


def _reached(start: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the known schemas that are referred to, directly or through others."""
    found: dict[str, Any] = {}
    waiting = [start]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, Mapping):
            match = _REFERENCE.fullmatch(value["$ref"]) if isinstance(value.get("$ref"), str) else None
            if match is not None and match[1] in known and match[1] not in found:
                found[match[1]] = known[match[1]]
                waiting.append(known[match[1]])
            waiting += value.values()
    return dict(sorted(found.items()))
