"""Request headers that all routes for decisions share."""

import re
from collections.abc import Mapping

from andon.gateway.errors import HeaderInvalid
from andon.kernel.config import DestinationSettings

NOTIFY = "andon-notify"
RESPOND_ASYNC = "respond-async"
LONGEST_WAIT = 60.0
"""Most seconds that one call may wait for an answer."""

_CORRELATION = re.compile(r"^[A-Za-z0-9._:/+=-]{1,128}$")
_TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_LISTED = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
"""One element of a list; a comma within quotes belongs to it."""
_SECONDS = re.compile(r"[0-9]{1,9}")
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")


def correlation_of(headers: Mapping[str, str], otherwise: str) -> str:
    """Return the caller's correlation id, or `otherwise` if it sent none. Raises HeaderInvalid."""
    given = headers.get("x-correlation-id")
    if given is None:
        return otherwise
    if not _CORRELATION.match(given):
        raise HeaderInvalid("X-Correlation-ID: expected 1 to 128 letters, digits or . _ : / + = -")
    return given


def traceparent_of_headers(headers: Mapping[str, str]) -> str | None:
    """Return the caller's trace; None if it is malformed, which W3C Trace Context asks to ignore."""
    given = headers.get("traceparent", "")
    return given if _TRACEPARENT.match(given) else None


def key_of(headers: Mapping[str, str]) -> str | None:
    """Return the caller's idempotency key, if it sent one. Raises HeaderInvalid."""
    given = headers.get("idempotency-key")
    if given is not None and not _KEY.match(given):
        raise HeaderInvalid("Idempotency-Key: expected 1 to 255 visible ASCII characters")
    return given


def destination_of(headers: Mapping[str, str], destinations: Mapping[str, DestinationSettings]) -> str | None:
    """Return the destination that `Andon-Notify` names: a configured one with `notify = true`, never an address.

    Raises HeaderInvalid, also if the request does not ask for a later answer.
    """
    given = headers.get(NOTIFY)
    if given is None:
        return None
    if RESPOND_ASYNC not in preferences_of(headers.get("prefer", "")):
        raise HeaderInvalid("Andon-Notify requires `Prefer: respond-async`: without it the answer is immediate")
    known = destinations.get(given)
    if known is None or not known.notify:
        raise HeaderInvalid(
            "Andon-Notify: expected the name of one of [destinations] in andon.toml with `notify = true`"
        )
    return given


def preferences_of(prefer: str) -> dict[str, str]:
    """Parse `Prefer` (RFC 7240): values by lower-case name, without parameters. The first of a repeated name counts."""
    preferences: dict[str, str] = {}
    for listed in _LISTED.findall(prefer):
        name, _, value = listed.partition(";")[0].partition("=")
        preferences.setdefault(name.strip().lower(), value.strip().strip('"'))
    return preferences


def wait_of(prefer: str) -> float:
    """Return the seconds of `Prefer: wait=20`, at most LONGEST_WAIT; 0 without it."""
    given = preferences_of(prefer).get("wait", "")
    return min(float(given), LONGEST_WAIT) if _SECONDS.fullmatch(given) else 0.0
