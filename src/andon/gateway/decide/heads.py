"""Head of a request to the decide route: caller, priority, deadline. Callers repeat heads, so each is read once."""

from collections.abc import Mapping
from typing import NamedTuple

from andon.access import Permission, Principal, Recognised
from andon.decisions import Priority
from andon.gateway.authorization import bearer
from andon.gateway.bodies import require_json
from andon.gateway.dependencies import Gateway
from andon.gateway.headers import NOTIFY, key_of, traceparent_of_headers
from andon.gateway.urgency import deadline_of, pinned_by, priority_of

_REUSABLE = frozenset(
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
"""Headers whose meaning does not depend on the single request."""


class RequestHead(NamedTuple):
    """The content of a head.

    `patience_ns` is how long the caller waits. `allowed` is the principal whose permission was checked. A head is
    `reusable` if the same bytes mean the same in the next request. `slow` requests need more queries than the ledger's.
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
    reusable: bool
    slow: bool


def head_of(gateway: Gateway, name: str, headers: Mapping[str, str]) -> RequestHead:
    """Read a head. Raises Unauthenticated, Forbidden, MediaTypeUnsupported, HeaderInvalid."""
    now = gateway.clock.now()
    recognised = gateway.keys.recognise(bearer(headers.get("authorization")), now)
    caller = gateway.keys.again(recognised, now)
    caller.require(Permission.DECIDE, name)
    require_json(headers)
    key = key_of(headers)
    return RequestHead(
        name=name,
        headers=headers,
        caller=recognised,
        key=key,
        traceparent=traceparent_of_headers(headers),
        priority=priority_of(headers),
        patience_ns=deadline_of(headers, 0, gateway.settings.gateway.timeout_seconds),
        pinned=pinned_by(headers, caller, name),
        allowed=caller,
        reusable=_REUSABLE.issuperset(headers),
        slow=key is not None or "prefer" in headers or NOTIFY in headers,
    )
