"""Headers of an inference request, which are the metadata of a gRPC call. Names are in lower case."""

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
    """Return the caller of a request and what its headers ask for.

    `patience` is how long the caller waits, in seconds, if the headers do not say. `left` is how long the call itself
    lasts, in seconds, whatever the headers say.

    Raises HeaderInvalid, and Forbidden for a version that the caller may not choose.
    """
    if "idempotency-key" in headers:
        raise HeaderInvalid("Idempotency-Key is not accepted here: the id of the request is its key")
    if NOTIFY in headers:
        raise HeaderInvalid(
            "Andon-Notify is not accepted here: request an answer that is delivered later at /v1/automations"
        )
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
