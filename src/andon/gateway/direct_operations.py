"""OpenAPI descriptions of the routes below FastAPI: one decision, many decisions, events and labels."""

from typing import Any

from andon.gateway.batch import ARROW, JSON, NDJSON
from andon.gateway.direct_headers import BATCH_HEADERS, CORRELATION, DECIDE_HEADERS, NAME, RATE
from andon.gateway.events import MOST as MOST_EVENTS
from andon.gateway.label_rows import CSV
from andon.gateway.label_rows import MOST as MOST_LABELS
from andon.gateway.problem_schema import PROBLEM_FIELD
from andon.labels import Fate
from andon.streams import BATCHED, STRUCTURED

DECIDE_PATH = "/v1/automations/{name}/decisions"
BATCH_PATH = "/v1/automations/{name}/decisions:batch"

_ANY_INPUT = {
    "type": "object",
    "description": "The input, as the contract describes it: `GET /v1/automations/{name}/openapi.json`.",
    "additionalProperties": True,
}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(title: str, description: str, required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "title": title,
        "description": description,
        "required": required,
        "properties": properties,
    }


_TEXT = {"type": "string", "minLength": 1}
_COUNTS = {fate.value: {"type": "integer", "minimum": 0} for fate in Fate}

SCHEMAS: dict[str, Any] = {
    "ProblemField": PROBLEM_FIELD,
    "CloudEvent": {
        **_object(
            "CloudEvent",
            "A CloudEvent 1.0 in structured mode, with its data in `data` or `data_base64`. "
            "Further attributes are strings, numbers or booleans.",
            ["specversion", "id", "source", "type"],
            {
                "specversion": {"type": "string", "const": "1.0"},
                "id": {
                    **_TEXT,
                    "description": "Unique within `source`. An event is decided once per `source` and `id`.",
                },
                "source": _TEXT,
                "type": _TEXT,
                "subject": {"type": "string"},
                "time": {"type": "string", "format": "date-time"},
                "datacontenttype": {"type": "string"},
                "correlationid": {"type": "string"},
                "traceparent": {"type": "string"},
                "data": {"description": "The automation's input, as its contract describes it."},
                "data_base64": {
                    "type": "string",
                    "contentEncoding": "base64",
                    "description": "The same, encoded as Base64.",
                },
            },
        ),
        "additionalProperties": True,
    },
    "EventAnswer": _object(
        "EventAnswer",
        "The result for one event: either `automations` or `problem`.",
        ["number", "status"],
        {
            "number": {"type": "integer", "minimum": 0, "description": "Its place in the call, from 0."},
            "status": {"type": "integer", "description": "202, or the status of its problem."},
            "id": {"type": "string"},
            "source": {"type": "string"},
            "automations": {"type": "object", "additionalProperties": _ref("EventFate")},
            "problem": _ref("Problem"),
        },
    ),
    "EventFate": {
        "type": "string",
        "title": "EventFate",
        "description": "The possible results of an event for one automation.",
        "enum": ["accepted", "repeated", "left_out"],
    },
    "EventAnswers": _object(
        "EventAnswers",
        "The result for each event of a call, in the same order.",
        ["events"],
        {"events": {"type": "array", "items": _ref("EventAnswer")}},
    ),
    "LabelRow": _object(
        "LabelRow",
        "The result for one row.",
        ["row", "result"],
        {
            "row": {"type": "integer", "minimum": 0, "description": "Its number, from 0."},
            "result": _ref("LabelFate"),
            "decision_id": {"type": "string", "format": "uuid"},
            "label_id": {"type": "string", "format": "uuid", "description": "The label of the row."},
            "value": {"type": "string"},
            "problem": _ref("Problem"),
        },
    ),
    "LabelFate": {
        "type": "string",
        "title": "LabelFate",
        "description": "The possible results for a row.",
        "enum": [fate.value for fate in Fate],
    },
    "LabelAnswers": _object(
        "LabelAnswers",
        "The number of rows with each result, and the result for each row.",
        [*_COUNTS, "rows"],
        {**_COUNTS, "rows": {"type": "array", "items": _ref("LabelRow")}},
    ),
}


def paths() -> dict[str, Any]:
    """Return the paths of these routes."""
    return {
        DECIDE_PATH: {"post": decide(_ANY_INPUT, [NAME])},
        BATCH_PATH: {"post": decide_batch({}, [NAME])},
        "/v1/events": {"post": _events()},
        "/v1/events:batch": {"post": _event_batch()},
        "/v1/labels": {"post": _labels()},
    }


def decide(contract: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the operation that decides an input of this schema."""
    return {
        "tags": ["decisions"],
        "description": "Ask for a decision. The body is the input that the automation's contract describes "
        "(`GET /v1/automations/{name}`).",
        "operationId": "decide",
        "parameters": [*parameters, *DECIDE_HEADERS],
        "requestBody": {"required": True, "content": {JSON: {"schema": contract}}},
        "responses": {
            "200": {**_answer("The decision, recorded.", "AnswerOut"), "headers": RATE},
            "202": _answer("Accepted; `Location` is the address of the decision.", "PendingOut"),
        },
    }


def decide_batch(contract: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the operation that decides many inputs of this schema."""
    answers = {"anyOf": [_ref("AnswerOut"), _ref("BadRowOut")]}
    return {
        "tags": ["decisions"],
        "description": "Ask for many decisions. Rows and answers have the same order and format: an array, one "
        "document per line, or an Arrow IPC stream (extra `arrow`). Rows and answers are streamed, in any number. "
        "A bad row is answered with its number, from 0, and a problem. It does not affect the others. "
        "With `Idempotency-Key: K` each row has the key `K/number`: a repeated batch decides nothing twice.",
        "operationId": "decide_batch",
        "parameters": [*parameters, *BATCH_HEADERS],
        "requestBody": {"required": True, "content": _formats({"type": "array", "items": contract})},
        "responses": {
            "200": {
                "description": "An answer for each row.",
                "content": _formats({"type": "array", "items": answers}),
            }
        },
    }


def _formats(rows: dict[str, Any]) -> dict[str, Any]:
    return {
        JSON: {"schema": rows},
        NDJSON: {"schema": {"type": "string"}},
        ARROW: {"schema": {"type": "string", "format": "binary"}},
    }


def _events() -> dict[str, Any]:
    return {
        "tags": ["streams"],
        "description": "Send a CloudEvent 1.0. It reaches the automations whose `http_events` trigger takes its type "
        "and that the key may ask. Workers decide it, once per `source` and `id`. Binary mode is accepted too: "
        "headers `ce-*` are the attributes, and the body, `application/json`, is the data. "
        f"`{BATCHED}` is accepted as well, though `POST /v1/events:batch` is the usual address for it.",
        "operationId": "bring_events",
        "parameters": [CORRELATION],
        "requestBody": {"required": True, "content": {STRUCTURED: {"schema": _ref("CloudEvent")}}},
        "responses": _event_answers(),
    }


def _event_batch() -> dict[str, Any]:
    events = {"type": "array", "items": _ref("CloudEvent"), "maxItems": MOST_EVENTS}
    return {
        "tags": ["streams"],
        "description": f"Send at most {MOST_EVENTS} CloudEvents in structured mode. "
        "Each has its own answer: a bad one does not affect the others.",
        "operationId": "bring_event_batch",
        "parameters": [CORRELATION],
        "requestBody": {"required": True, "content": {JSON: {"schema": events}}},
        "responses": _event_answers(),
    }


def _event_answers() -> dict[str, Any]:
    return {
        "202": _answer("Accepted, to be decided.", "EventAnswers"),
        "207": _answer("Only a part of the batch was accepted.", "EventAnswers"),
    }


def _labels() -> dict[str, Any]:
    rows = {"type": "array", "items": _ref("TruthReport"), "maxItems": MOST_LABELS}
    return {
        "tags": ["labels"],
        "description": f"Report what was true of many decisions: at most {MOST_LABELS} rows, "
        "each a TruthReport, as an array, one document per line, or CSV with the same names as columns. "
        "The answer holds the result for each row. A bad row does not affect the others, "
        "and repeated rows record nothing. "
        "The permissions of `POST /v1/decisions/{decision_id}/labels` apply to each row.",
        "operationId": "report_labels",
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": rows},
                NDJSON: {"schema": {"type": "string"}},
                CSV: {"schema": {"type": "string"}},
            },
        },
        "responses": {
            "200": _answer("All rows are recorded, or were before.", "LabelAnswers"),
            "207": _answer("Some rows are refused.", "LabelAnswers"),
        },
    }


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": _ref(schema)}}}
