"""A delivery as a CloudEvent 1.0, for connectors that publish.

Its id is the delivery's key, so repeats are recognizable.
"""

import json
from typing import Any

from andon.actions.ports import Delivery, EventHead

MEDIA_TYPE = "application/json"
STRUCTURED = "application/cloudevents+json"


def attributes_of(delivery: Delivery) -> dict[str, str]:
    """Return the attributes of the event, without a prefix."""
    head = delivery.event or EventHead(f"andon.decision.{delivery.outcome}", str(delivery.data.get("id", "")))
    given = {
        "specversion": "1.0",
        "id": str(delivery.key),
        "source": f"/andon/automations/{delivery.automation}" if delivery.automation else "/andon",
        "type": head.type,
        "subject": head.subject,
        "time": delivery.created_at.isoformat(),
        "correlationid": delivery.correlation_id,
        "traceparent": delivery.traceparent,
    }
    return {name: value for name, value in given.items() if value and value.isprintable()}


def data_of(delivery: Delivery) -> bytes:
    """Return the data of the event, the same bytes at each attempt."""
    return json.dumps(delivery.data, separators=(",", ":")).encode()


def structured(delivery: Delivery) -> bytes:
    """Return the event as one JSON object, the same bytes at each attempt: the varying trace is left to a header."""
    attributes = {name: value for name, value in attributes_of(delivery).items() if name != "traceparent"}
    event = {**attributes, "datacontenttype": MEDIA_TYPE, "data": delivery.data}
    return json.dumps(event, separators=(",", ":")).encode()


def key_of(delivery: Delivery, field: str | None) -> str:
    """Return the message key: a field of the decided input, or the subject if there is no such field."""
    given: Any = delivery.data.get("input")
    value = given.get(field) if isinstance(given, dict) and field is not None else None
    return attributes_of(delivery).get("subject", "") if value is None else str(value)
