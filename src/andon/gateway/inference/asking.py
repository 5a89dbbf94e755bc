"""What the headers of a request (the metadata of a gRPC call) say of it; names are in small letters."""

from collections.abc import Mapping
from uuid import UUID

from andon.access import Principal
from andon.gateway.errors import HeaderInvalid
from andon.gateway.headers import NOTIFY, correlation_of, traceparent_of_headers
from andon.gateway.inference.answering import InferenceCall
from andon.gateway.urgency import deadline_of, pinned_by, priority_of


def asked_of(
    headers: Mapping[str, str],
    caller: Principal,
    model: str,
    new: UUID,
    *,
    began_ns: int,
    patience: float,
    left: float | None = None,
    trace: str | None = None,
) -> InferenceCall:
    """How a request came in; `patience` is how long its caller waits, in seconds, if the headers do not say, and `left` for how
    long the call itself goes on, whatever they say.

    Raises HeaderInvalid, and Forbidden for a version that the caller may not choose.
    """
    if "idempotency-key" in headers:
        raise HeaderInvalid("Idempotency-Key is not taken here: the id of the request is its key")
    if NOTIFY in headers:
        raise HeaderInvalid("Andon-Notify is not taken here: ask for an answer that comes later at /v1/automations")
    deadline_ns = deadline_of(headers, began_ns, patience)
    return InferenceCall(
        caller=caller,
        correlation_id=correlation_of(headers, str(new)),
        began_ns=began_ns,
        deadline_ns=deadline_ns if left is None else min(deadline_ns, began_ns + int(left * 1e9)),
        traceparent=trace or traceparent_of_headers(headers),
        priority=priority_of(headers) if "priority" in headers else None,
        pinned=pinned_by(headers, caller, model),
    )
