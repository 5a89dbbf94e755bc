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
    "description": "The automation's contract; `GET /v1/automations/{name}/openapi.json` has it in full.",
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
            "A CloudEvent 1.0 in structured mode, with its data in one of two ways. "
            "Further attributes are texts, numbers or booleans.",
            ["specversion", "id", "source", "type"],
            {
                "specversion": {"type": "string", "const": "1.0"},
                "id": {**_TEXT, "description": "Its own within `source`; the same two are decided once."},
                "source": _TEXT,
                "type": _TEXT,
                "subject": {"type": "string"},
                "time": {"type": "string", "format": "date-time"},
                "datacontenttype": {"type": "string"},
                "correlationid": {"type": "string"},
                "traceparent": {"type": "string"},
                "data": {"description": "The automation's input, as its contract has it."},
                "data_base64": {"type": "string", "contentEncoding": "base64", "description": "The same, encoded."},
            },
        ),
        "additionalProperties": True,
    },
    "EventAnswer": _object(
        "EventAnswer",
        "What became of one event: either `automations`, or `problem`.",
        ["number", "status"],
        {
            "number": {"type": "integer", "minimum": 0, "description": "Its place in the call, from 0."},
            "status": {"type": "integer", "description": "202, or the status that its problem has."},
            "id": {"type": "string"},
            "source": {"type": "string"},
            "automations": {"type": "object", "additionalProperties": _ref("EventFate")},
            "problem": _ref("Problem"),
        },
    ),
    "EventFate": {
        "type": "string",
        "title": "EventFate",
        "description": "What one automation does with an event.",
        "enum": ["accepted", "repeated", "left_out"],
    },
    "EventAnswers": _object(
        "EventAnswers",
        "What became of each event of a call, in its order.",
        ["events"],
        {"events": {"type": "array", "items": _ref("EventAnswer")}},
    ),
    "LabelRow": _object(
        "LabelRow",
        "What became of one row.",
        ["row", "result"],
        {
            "row": {"type": "integer", "minimum": 0, "description": "Its number, from 0."},
            "result": _ref("LabelFate"),
            "decision_id": {"type": "string", "format": "uuid"},
            "label_id": {"type": "string", "format": "uuid", "description": "The label that says so."},
            "value": {"type": "string"},
            "problem": _ref("Problem"),
        },
    ),
    "LabelFate": {
        "type": "string",
        "title": "LabelFate",
        "description": "What can become of a row.",
        "enum": [fate.value for fate in Fate],
    },
    "LabelAnswers": _object(
        "LabelAnswers",
        "How many rows became what, and what became of each.",
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
        "description": "Ask for a decision. The body is the input, as the automation's contract has it "
        "(`GET /v1/automations/{name}`).",
        "operationId": "decide",
        "parameters": [*parameters, *DECIDE_HEADERS],
        "requestBody": {"required": True, "content": {JSON: {"schema": contract}}},
        "responses": {
            "200": {**_answer("The decision, recorded.", "AnswerOut"), "headers": RATE},
            "202": _answer("Accepted; `Location` is where the decision will be.", "PendingOut"),
        },
    }


def decide_batch(contract: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the operation that decides many inputs of this schema."""
    answers = {"anyOf": [_ref("AnswerOut"), _ref("BadRowOut")]}
    return {
        "tags": ["decisions"],
        "description": "Ask for many decisions. Rows in, answers out, in the same order and format, as an array, "
        "as one document a line or as an Arrow IPC stream (extra `arrow`). Both are streamed: there may be any "
        "number of rows. A bad row gets its number, from 0, and a problem, and loses no other. "
        "With `Idempotency-Key: K` each row has the key `K/number`, so that the same batch "
        "again decides nothing twice.",
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
        "description": "Bring a CloudEvent 1.0. It goes to the automations whose `http_events` trigger takes its type "
        "and that the key may ask; workers decide it, once by `source` and `id`. Binary mode is taken as well: "
        "headers `ce-*` are the attributes and the body, "
        f"`application/json`, is the data; so is `{BATCHED}`, for which `POST /v1/events:batch` is the plain way.",
        "operationId": "bring_events",
        "parameters": [CORRELATION],
        "requestBody": {"required": True, "content": {STRUCTURED: {"schema": _ref("CloudEvent")}}},
        "responses": _event_answers(),
    }


def _event_batch() -> dict[str, Any]:
    events = {"type": "array", "items": _ref("CloudEvent"), "maxItems": MOST_EVENTS}
    return {
        "tags": ["streams"],
        "description": f"Bring at most {MOST_EVENTS} CloudEvents, as in structured mode. "
        "Each is answered by itself: a bad one loses no other.",
        "operationId": "bring_event_batch",
        "parameters": [CORRELATION],
        "requestBody": {"required": True, "content": {JSON: {"schema": events}}},
        "responses": _event_answers(),
    }


def _event_answers() -> dict[str, Any]:
    return {
        "202": _answer("Kept, to be decided.", "EventAnswers"),
        "207": _answer("Of a batch some are kept, some not.", "EventAnswers"),
    }


def _labels() -> dict[str, Any]:
    rows = {"type": "array", "items": _ref("TruthReport"), "maxItems": MOST_LABELS}
    return {
        "tags": ["labels"],
        "description": f"Say what was true of many decisions: at most {MOST_LABELS} rows, "
        "each a TruthReport, as an array, "
        "as one document a line or as CSV with the same names as columns. The answer says of each row what became of "
        "it: a bad row loses no other, and the same rows again record nothing. "
        "What `POST /v1/decisions/{decision_id}/labels` says about permissions holds for each row.",
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
