"""A delivery as a CloudEvent 1.0, for connectors that publish. Its id is the delivery's key, so a receiver can know a repeat."""

import json
from typing import Any

from andon.actions.ports import Delivery

MEDIA_TYPE = "application/json"
STRUCTURED = "application/cloudevents+json"


def attributes_of(delivery: Delivery) -> dict[str, str]:
    """Its attributes, without a prefix."""
    given = {
        "specversion": "1.0",
        "id": str(delivery.key),
        "source": f"/andon/automations/{delivery.automation}",
        "type": f"andon.decision.{delivery.outcome}",
        "subject": str(delivery.data.get("id", "")),
        "time": delivery.created_at.isoformat(),
        "correlationid": delivery.correlation_id,
        "traceparent": delivery.traceparent,
    }
    return {name: value for name, value in given.items() if value and value.isprintable()}


def data_of(delivery: Delivery) -> bytes:
    """Its data: the decision, the same bytes at each attempt."""
    return json.dumps(delivery.data, separators=(",", ":")).encode()


def structured(delivery: Delivery) -> bytes:
    """All of it as one JSON object, the same bytes at each attempt: the trace, which is another each time, is left to a header."""
    attributes = {name: value for name, value in attributes_of(delivery).items() if name != "traceparent"}
    event = {**attributes, "datacontenttype": MEDIA_TYPE, "data": delivery.data}
    return json.dumps(event, separators=(",", ":")).encode()


def field_of(delivery: Delivery, name: str | None) -> str | None:
    """What a field of the decided input holds, as a key; None if it is not asked for or not there."""
    given: Any = delivery.data.get("input")
    value = given.get(name) if isinstance(given, dict) and name is not None else None
    return None if value is None else str(value)
