"""OpenAPI descriptions of the headers of the routes below FastAPI."""

from typing import Any

NAME: dict[str, Any] = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The automation.",
    "schema": {"type": "string"},
}


def _header(name: str, description: str, **limits: Any) -> dict[str, Any]:
    schema = {"type": "string", **limits}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


_ONCE = _header(
    "Idempotency-Key",
    "A key that the caller chooses. Sent again, it returns the first answer, for at least 24 hours.",
    pattern="^[\\x21-\\x7e]{1,255}$",
)
CORRELATION = _header(
    "X-Correlation-ID",
    "Returned in the answer and kept in every record and log line; generated if absent.",
    pattern="^[A-Za-z0-9._:/+=-]{1,128}$",
)
_TRACE = _header("traceparent", "W3C Trace Context.")
_VERSION = _header(
    "Andon-Model-Version",
    "The number of the model version that is to answer; needs a permission of its own.",
    pattern="^[1-9][0-9]{0,8}$",
)

BATCH_HEADERS = [_ONCE, CORRELATION, _TRACE, _VERSION]

DECIDE_HEADERS = [
    _ONCE,
    CORRELATION,
    _TRACE,
    _VERSION,
    _header("Prefer", "`respond-async`: answer 202 immediately and decide later."),
    _header(
        "Andon-Notify",
        "With `Prefer: respond-async`: the name of a destination with `notify = true` to which the whole "
        "answer is delivered, signed, once it exists.",
    ),
    _header(
        "Priority", "`u=0` to `u=7` (RFC 9218): up to 3 is interactive (the default), 4 and 5 normal, 6 and 7 bulk."
    ),
    _header(
        "X-Request-Timeout",
        "How many seconds the caller waits, above 0. A request that cannot be decided in time is refused.",
        pattern="^[0-9]{1,6}(\\.[0-9]{1,6})?$",
    ),
]

RATE = {
    "RateLimit-Policy": {"description": "The rate limits of the key.", "schema": {"type": "string"}},
    "RateLimit": {"description": "The remainder of the limits.", "schema": {"type": "string"}},
}
