"""The API's own description: OpenAPI 3.1 at `/openapi.json` and a page for people at `/docs`, drawn from the same document."""

from importlib import import_module
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from andon.gateway.answers import AnswerOut, BadRowOut, PendingOut
from andon.gateway.batch import ARROW, JSON, NDJSON
from andon.gateway.label_rows import CSV, MOST
from andon.gateway.problems import CONTENT_TYPE
from andon.labels import Fate, TruthReport
from andon.streams import BATCHED, STRUCTURED

router = APIRouter(include_in_schema=False)

_SECURITY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Stable name of the kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "Holds the correlation id by which the logs know it."},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
}

_HEADERS: list[dict[str, Any]] = [
    {
        "name": "Idempotency-Key",
        "description": "The caller's own key: the same key again gets the first answer again, for at least 24 hours.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    },
    {
        "name": "X-Correlation-ID",
        "description": "Comes back in the answer and stands in every record and log line; made up when absent.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:/+=-]{1,128}$"},
    },
    {
        "name": "traceparent",
        "description": "W3C Trace Context.",
        "schema": {"type": "string"},
    },
    {
        "name": "Prefer",
        "description": "`respond-async`: answer 202 at once and decide later.",
        "schema": {"type": "string"},
    },
    {
        "name": "Andon-Notify",
        "description": "With `Prefer: respond-async`: the name of a destination with `notify = true` to which the whole "
        "answer is delivered, signed, once it is there.",
        "schema": {"type": "string"},
    },
]

_OF_A_BATCH = ("Idempotency-Key", "X-Correlation-ID", "traceparent")

_CORRELATED = {
    "X-Correlation-ID": {
        "description": "The request's, or a new one.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    }
}


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: FastAPI's, the routes that live below FastAPI, and every answer's problem shape."""
    described = app.openapi()
    if "/v1/automations/{name}/decisions" in described["paths"]:
        return described
    schemas = described["components"]["schemas"]
    schemas["Problem"] = _PROBLEM
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    for model in (AnswerOut, PendingOut, BadRowOut, TruthReport):
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(shape.pop("$defs", {}))
        schemas[model.__name__] = shape
    described["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    described["paths"]["/v1/automations/{name}/decisions"] = {"post": _decide()}
    described["paths"]["/v1/automations/{name}/decisions:batch"] = {"post": _batch()}
    described["paths"]["/v1/events"] = {"post": _events()}
    described["paths"]["/v1/labels"] = {"post": _labels()}
    for path, operations in described["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _problem("Anything else: a problem document.")
            for answer in operation["responses"].values():
                answer["headers"] = _CORRELATED
            operation["security"] = [] if path.endswith("z") else [{"key": []}]
    return described


@router.get("/openapi.json")
def openapi(request: Request) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    return document(request.app)


@router.get("/docs")
def docs(request: Request) -> Response:
    """The document as a page, without scripts."""
    drawing = import_module(
        "andon.gateway.documents_page"
    )  # a gateway that nobody asks for it holds no template engine
    return Response(drawing.page(document(request.app)), media_type="text/html; charset=utf-8", headers=_SECURITY)


def _decide() -> dict[str, Any]:
    return {
        "tags": ["decisions"],
        "summary": "Ask for a decision",
        "description": "The body is the input, as the automation's contract has it (`GET /v1/automations/{name}`).",
        "operationId": "decide",
        "parameters": [
            {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}},
            *({"in": "header", "required": False, **header} for header in _HEADERS),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {
            "200": _answer("The decision, recorded.", "AnswerOut"),
            "202": _answer("Accepted; `Location` is where the decision will be.", "PendingOut"),
        },
    }


def _batch() -> dict[str, Any]:
    answers = {"anyOf": [{"$ref": "#/components/schemas/AnswerOut"}, {"$ref": "#/components/schemas/BadRowOut"}]}
    binary = {"type": "string", "format": "binary"}
    return {
        "tags": ["decisions"],
        "summary": "Ask for many decisions",
        "description": "Rows in, answers out, in the same order and format, as an array, as one document a line or as an Arrow IPC "
        "stream (extra `arrow`). Both are streamed: there may be any number of rows. A bad row gets its number, from 0, and "
        "a problem, and loses no other. With `Idempotency-Key: K` each row has the key `K/number`, so that the same batch "
        "again decides nothing twice.",
        "operationId": "decide_batch",
        "parameters": [
            {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}},
            *({"in": "header", "required": False, **header} for header in _HEADERS if header["name"] in _OF_A_BATCH),
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"type": "array", "items": {}}},
                NDJSON: {"schema": {"type": "string"}},
                ARROW: {"schema": binary},
            },
        },
        "responses": {
            "200": {
                "description": "An answer for each row.",
                "content": {
                    JSON: {"schema": {"type": "array", "items": answers}},
                    NDJSON: {"schema": {"type": "string"}},
                    ARROW: {"schema": binary},
                },
            }
        },
    }


def _events() -> dict[str, Any]:
    event = {"type": "object", "required": ["specversion", "id", "source", "type"]}
    result = {"type": "string", "enum": ["accepted", "repeated", "left_out"]}
    answer = {
        "type": "object",
        "required": ["number", "status"],
        "properties": {
            "number": {"type": "integer"},
            "status": {"type": "integer"},
            "id": {"type": "string"},
            "source": {"type": "string"},
            "automations": {"type": "object", "additionalProperties": result},
            "problem": {"$ref": "#/components/schemas/Problem"},
        },
    }
    answers = {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["events"],
                    "properties": {"events": {"type": "array", "items": answer}},
                }
            }
        }
    }
    return {
        "tags": ["streams"],
        "summary": "Bring events",
        "description": "CloudEvents 1.0: one in binary mode (headers `ce-*`, the body is the data) or structured, or a batch. Each "
        "goes to the automations whose `http_events` trigger takes its type and that the key may ask; workers decide it, once by "
        "`source` and `id`.",
        "operationId": "bring_events",
        "requestBody": {
            "required": True,
            "content": {
                STRUCTURED: {"schema": event},
                BATCHED: {
                    "schema": {
                        "type": "array",
                        "description": "Events as in structured mode; each is answered by itself.",
                    }
                },
                "application/json": {"schema": {}},
            },
        },
        "responses": {
            "202": {"description": "Kept, to be decided.", **answers},
            "207": {"description": "Of a batch some are kept, some not.", **answers},
        },
    }


def _labels() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    row = {
        "type": "object",
        "required": ["row", "result"],
        "properties": {
            "row": {"type": "integer", "description": "Its number, from 0."},
            "result": {"type": "string", "enum": [fate.value for fate in Fate]},
            "decision_id": {"type": "string", "format": "uuid"},
            "label_id": {"type": "string", "format": "uuid", "description": "The label that says so."},
            "value": {"type": "string"},
            "problem": {"$ref": "#/components/schemas/Problem"},
        },
    }
    counts = {fate.value: count for fate in Fate}
    schema = {
        "type": "object",
        "required": [*counts, "rows"],
        "properties": {**counts, "rows": {"type": "array", "items": row}},
    }
    content = {JSON: {"schema": schema}}
    return {
        "tags": ["labels"],
        "summary": "Say what was true of many decisions",
        "description": f"At most {MOST} rows, each a TruthReport, as an array, as one document a line or as CSV with the same names as columns. The answer "
        "says of each row what became of it: a bad row loses no other, and the same rows again record nothing. What "
        "`POST /v1/decisions/{decision_id}/labels` says about permissions holds for each row.",
        "operationId": "report_labels",
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {"type": "array", "items": {}, "description": "Each a TruthReport, answered by itself."}
                },
                NDJSON: {"schema": {"type": "string"}},
                CSV: {"schema": {"type": "string"}},
            },
        },
        "responses": {
            "200": {"description": "All rows are recorded, or were before.", "content": content},
            "207": {"description": "Some rows are refused.", "content": content},
        },
    }


def _answer(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
