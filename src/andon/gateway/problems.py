"""Problem details (RFC 9457) of errors: one stable `type` for each class, and never the values of the input."""

import json
import re
from collections.abc import Sequence
from typing import Any

from andon.access import Unauthenticated
from andon.decisions import DeadlineExceeded, DecisionInDoubt, InputMalformed
from andon.gateway.errors import (
    BatchMalformed,
    BodyIncomplete,
    BodyTooLarge,
    MediaTypeUnsupported,
    MethodNotAllowed,
    Overloaded,
    RateLimited,
    RouteNotFound,
)
from andon.kernel.errors import AndonError, Conflict, Denied, Fault, Invalid, NotFound, Unavailable

CONTENT_TYPE = "application/problem+json"

STATUS: Sequence[tuple[type[AndonError], int]] = (
    (Unauthenticated, 401),
    (InputMalformed, 400),
    (BatchMalformed, 400),
    (BodyIncomplete, 400),
    (BodyTooLarge, 413),
    (MediaTypeUnsupported, 415),
    (MethodNotAllowed, 405),
    (RouteNotFound, 404),
    (RateLimited, 429),
    (Overloaded, 503),
    (DeadlineExceeded, 504),
    (DecisionInDoubt, 504),
    (Invalid, 422),
    (Denied, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Unavailable, 503),
)
"""HTTP status by class of error; the first match counts."""


def status_of(error: AndonError) -> int:
    """Return the HTTP status of an error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def type_of(code: str) -> str:
    """Return the stable URI of a kind of problem, e.g. `urn:andon:problem:input-invalid`."""
    return "urn:andon:problem:" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", code).lower()


def problem(error: AndonError, instance: str) -> bytes:
    """Return the body that describes an error. `instance` is the correlation id by which the logs hold it."""
    decision_id = error.details.get("decision_id")
    return _body(error.code, status_of(error), str(error), error.faults, instance, decision_id)


def internal(instance: str) -> bytes:
    """Return the body for a bug of ours: it holds nothing but the id to look for in the logs."""
    return _body("InternalError", 500, "Internal error; find the details in the log by this instance.", (), instance)


def headers_of(error: AndonError) -> dict[str, str]:
    """Return the headers that an error needs in addition to its body."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="andon"'
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = str(error.details["allow"])
    if decision_id := error.details.get("decision_id"):
        headers["Location"] = f"/v1/decisions/{decision_id}"
    if status_of(error) in (429, 503) or "retry_after" in error.details:
        headers["Retry-After"] = str(error.details.get("retry_after", 1))
    return headers


def _body(
    code: str, status: int, detail: str, faults: Sequence[Fault], instance: str, decision_id: str | None = None
) -> bytes:
    content: dict[str, Any] = {
        "type": type_of(code),
        "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code).capitalize(),
        "status": status,
        "detail": detail,
        "instance": f"urn:andon:correlation:{instance}",
        "code": code,
    }
    if decision_id is not None:
        content["decision_id"] = decision_id
    if faults:
        content["errors"] = [{"field": fault.where, "message": fault.message} for fault in faults]
    return json.dumps(content).encode()
