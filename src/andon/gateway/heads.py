"""The head of a request to the hot route, read once: who asks, what for, how urgently. Callers send the same one again and again."""

from collections.abc import Mapping
from typing import NamedTuple

from andon.access import Permission, Principal, Recognised
from andon.decisions import Priority
from andon.gateway.bodies import require_json
from andon.gateway.dependencies import Gateway, bearer
from andon.gateway.headers import NOTIFY, key_of, traceparent_of_headers
from andon.gateway.urgency import deadline_of, pinned_by, priority_of

KNOWN = 1024
"""So many heads are kept at most; then all are forgotten."""

_STEADY = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "priority",
        "user-agent",
        "x-request-timeout",
    }
)
"""Headers that say nothing of one request alone."""


class Head(NamedTuple):
    """What a head says. `patience_ns` is how long the caller waits.

    `allowed` is the caller as it was when it was found to have permission. `steady`: the same bytes mean the same the next time,
    since nothing in them belongs to one request alone. `slow`: answering takes more of the database than the ledger.
    """

    name: str
    headers: Mapping[str, str]
    caller: Recognised
    key: str | None
    traceparent: str | None
    priority: Priority
    patience_ns: int
    pinned: int | None
    allowed: Principal
    steady: bool
    slow: bool


def head_of(gateway: Gateway, name: str, headers: Mapping[str, str]) -> Head:
    """Read a head. Raises Unauthenticated, Forbidden, MediaTypeUnsupported, HeaderInvalid."""
    now = gateway.clock.now()
    recognised = gateway.keys.recognise(bearer(headers.get("authorization")), now)
    caller = gateway.keys.again(recognised, now)
    caller.require(Permission.DECIDE, name)
    require_json(headers)
    key = key_of(headers)
    return Head(
        name=name,
        headers=headers,
        caller=recognised,
        key=key,
        traceparent=traceparent_of_headers(headers),
        priority=priority_of(headers),
        patience_ns=deadline_of(headers, 0, gateway.settings.gateway.timeout_seconds),
        pinned=pinned_by(headers, caller, name),
        allowed=caller,
        steady=_STEADY.issuperset(headers),
        slow=key is not None or "prefer" in headers or NOTIFY in headers,
    )
