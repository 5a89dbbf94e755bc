"""The API's own description: OpenAPI 3.1 at `/openapi.json`, and `/docs`, where people try it in a browser."""

from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse

from andon.gateway import direct_operations
from andon.gateway.answers import AnswerOut, BadRowOut, PendingOut
from andon.gateway.errors import RouteNotFound
from andon.gateway.problem_schema import CORRELATED, PROBLEM, problems_of
from andon.labels import TruthReport

router = APIRouter(include_in_schema=False)

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_AUTOMATION_NAME = "^[a-z][a-z0-9-]{0,62}$"
_BUILDING = Lock()
"""Held while the document is built: concurrent requests wait for the complete one."""

_STATIC = Path(__file__).parent / "static"
_FILES = {
    "docs.css": ("docs.css", "text/css"),
    "docs.js": ("docs.js", "text/javascript"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
    "swagger-ui.css": ("vendor/swagger-ui.css", "text/css"),
    "swagger-ui.js": ("vendor/swagger-ui.js", "text/javascript"),
}


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: FastAPI's routes, those below FastAPI, and the problems that each may answer."""
    with _BUILDING:
        described = app.openapi()
        return described if "Problem" in described["components"]["schemas"] else _completed(described)


def _completed(described: dict[str, Any]) -> dict[str, Any]:
    schemas = described["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    for model in (AnswerOut, PendingOut, BadRowOut, TruthReport):
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, schema in {**shape.pop("$defs", {}), model.__name__: shape}.items():
            add_schema(schemas, name, schema)
    for name, schema in {**direct_operations.SCHEMAS, "Problem": PROBLEM}.items():
        add_schema(schemas, name, schema)
    described["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    described["paths"] |= direct_operations.paths()
    described["info"]["description"] += " No text may hold a NUL character or half of a surrogate pair."
    for path, operations in described["paths"].items():
        for verb, operation in operations.items():
            _limit_names(path, operation)
            complete(operation, verb=verb, is_open=path.endswith("z"))
    return described


def _limit_names(path: str, operation: dict[str, Any]) -> None:
    """Add the pattern of automation names to the path parameter of an operation."""
    named = "name" if path.startswith("/v1/automations/{name}") else "automation"
    for parameter in operation.get("parameters", ()):
        if (parameter["in"], parameter["name"]) == ("path", named):
            parameter["schema"] = {**parameter["schema"], "pattern": _AUTOMATION_NAME}


def add_schema(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    """Add a schema to those of a document. Raises ValueError if another schema has its name."""
    if schemas.setdefault(name, schema) != schema:
        raise ValueError(f"Two schemas of the API are called {name}")


def complete(operation: dict[str, Any], *, verb: str, is_open: bool) -> None:
    """Add to an operation its summary, its security and the problems that it may answer."""
    operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
    operation["responses"].pop("422", None)
    operation["responses"] |= problems_of(operation, verb=verb, is_open=is_open)
    for answer in operation["responses"].values():
        answer["headers"] = {**CORRELATED, **answer.get("headers", {})}
    operation["security"] = [] if is_open else [{"key": []}]


@router.get("/openapi.json")
def openapi(request: Request) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return document(request.app)


@router.get("/docs")
def docs() -> Response:
    """Return the page on which people read and try the API."""
    return FileResponse(_STATIC / "docs.html", media_type="text/html; charset=utf-8", headers=_SECURITY)


@router.get("/docs/{name}")
def docs_file(name: str) -> Response:
    """Return a script, style or image of that page."""
    if name not in _FILES:
        raise RouteNotFound
    file, media_type = _FILES[name]
    return FileResponse(_STATIC / file, media_type=media_type, headers=_SECURITY)
