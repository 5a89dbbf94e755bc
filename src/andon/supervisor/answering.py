"""A part's report of itself over HTTP."""

import http.client
import json
from dataclasses import dataclass
from http import HTTPStatus

from andon.supervisor.ports import Address

_ANSWER_SECONDS = 1.0
_REASON_BYTES = 4000


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """A part's report of itself. One may stay unready for long: until a model is registered, for example."""

    ready: bool
    reason: str


def ask(address: Address) -> HealthAnswer | None:
    """Return the answer of the part at an address to /readyz; None while it does not answer at all."""
    connection = http.client.HTTPConnection(address.reached_at, address.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return HealthAnswer(response.status == HTTPStatus.OK, reason_in(response.read(_REASON_BYTES)))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def reason_in(body: bytes) -> str:
    """Return why a process is not ready: the problems it names, or its whole answer."""
    text = body.decode("utf-8", "replace").strip()
    try:
        said = json.loads(text)
        return "; ".join(f"{name}: {problem}" for name, problem in said["problems"].items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return text
