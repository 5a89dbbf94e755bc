"""OpenAPI description of problem documents, and of the problems that an operation may answer."""

from typing import Any

from andon.gateway.problems import CONTENT_TYPE

PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong with a call (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable name of the kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "Holds the correlation id that appears in the logs."},
        "code": {"type": "string", "description": "The kind of problem, as one word."},
        "errors": {
            "type": "array",
            "description": "Which fields are wrong, and what was expected of each.",
            "items": {"$ref": "#/components/schemas/ProblemField"},
        },
    },
}

PROBLEM_FIELD: dict[str, Any] = {
    "type": "object",
    "title": "ProblemField",
    "description": "One field that is wrong.",
    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    "required": ["field", "message"],
}

CORRELATED = {
    "X-Correlation-ID": {
        "description": "The request's, or a new one.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    }
}

_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}}
_RATED = frozenset({"decide", "decide_batch", "bring_events", "bring_event_batch", "report_labels"})
"""The operations that count against the rate of a key."""

_MEANINGS = {
    400: "The body does not match its media type, or is incomplete.",
    401: "No key, or an unknown, expired or revoked one.",
    403: "The key may see this but may not do it.",
    404: "It does not exist, or the key may not see it.",
    409: "It is not possible in the present state.",
    413: "The body is larger than the gateway accepts.",
    415: "The media type of the body is not accepted here.",
    422: "The request is invalid; `errors` names the fields, if any.",
    429: "The key sends too many requests.",
    503: "Something that is needed is not available now; try again.",
    504: "The caller's time limit has passed.",
}


def problems_of(operation: dict[str, Any], *, verb: str, is_open: bool) -> dict[str, Any]:
    """Return the answers of an operation that are problems, by status; `default` stands for any other."""
    return {
        **{str(status): _answer(status) for status in _statuses(operation, verb=verb, is_open=is_open)},
        "default": _problem("Any other error."),
    }


def _statuses(operation: dict[str, Any], *, verb: str, is_open: bool) -> list[int]:
    if is_open:
        return []
    found = {401, 403, 503}
    if any(one["in"] == "path" for one in operation.get("parameters", ())):
        found.add(404)
    if operation.get("parameters"):
        found.add(422)
    if verb != "get":
        found.add(409)
    if "requestBody" in operation:
        found |= {400, 413, 415, 422}
    if operation["operationId"] in _RATED:
        found.add(429)
    if operation["operationId"] == "decide":
        found.add(504)
    return sorted(found)


def _answer(status: int) -> dict[str, Any]:
    answer = _problem(_MEANINGS[status])
    return {**answer, "headers": _RETRY_AFTER} if status in (429, 503) else answer


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
