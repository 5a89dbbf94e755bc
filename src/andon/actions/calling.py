"""Calls of connectors: an attempt as a span of the trace, and the result when a connector's own code fails."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog
from opentelemetry.trace import SpanKind, StatusCode

from andon.actions.domain import Answer, AnswerKind, Attempt
from andon.actions.ports import Connector, Delivery
from andon.kernel.tracing import span, traceparent_of

_log = structlog.get_logger(__name__)


async def send(connector: Connector, delivery: Delivery, attempt: Attempt) -> Answer:
    """Make one attempt, as a span of the decision's trace; the receiver's part of the trace follows from that span."""
    about = {
        "andon.automation": delivery.automation,
        "andon.action": delivery.action,
        "andon.destination": delivery.destination.name,
        "andon.attempt": attempt.number,
    }
    with span("action.deliver", parent=delivery.traceparent, kind=SpanKind.CLIENT, attributes=about) as sending:
        traceparent = traceparent_of(sending)
        answer = await ask(
            connector.deliver, delivery if traceparent is None else replace(delivery, traceparent=traceparent)
        )
        sending.set_attribute("andon.answer", answer.kind.value)
        if answer.status is not None:
            sending.set_attribute("http.response.status_code", answer.status)
        if answer.kind is not AnswerKind.DELIVERED:
            sending.set_status(StatusCode.ERROR)
    return answer


async def ask(call: Callable[[Delivery], Awaitable[Answer]], delivery: Delivery) -> Answer:
    """Call a connector. If its own code fails, the receiver may still have got the delivery."""
    try:
        return await call(delivery)
    except Exception as error:  # noqa: BLE001 - the edge to code of others; logged
        _log.exception(
            "connector failed",
            destination=delivery.destination.name,
            action_id=str(delivery.key),
            correlation_id=delivery.correlation_id,
        )
        return Answer(AnswerKind.UNKNOWN, f"the connector itself failed with {type(error).__name__}; see the log")
