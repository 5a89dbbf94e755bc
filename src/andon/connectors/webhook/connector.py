"""Webhooks: a signed POST to a destination (Standard Webhooks), one attempt per call.

The meaning of a failed attempt depends on how far it got: until the request is sent, the receiver certainly has
nothing; after that it may have it. A receiver recognizes a repeat by its `webhook-id`, as the standard requires.
"""

import json
import ssl
from dataclasses import dataclass

from pydantic import Field

from andon.actions import OverHttp, answer_of
from andon.actions.cloudevents import STRUCTURED, structured
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat, Shape
from andon.connectors.webhook.signing import SecretInvalid, Signer
from andon.kernel.addresses import Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import HttpOrigin, UrlInvalid, request_of
from andon.version import __version__


class WebhookOptions(Shape):
    """The form of the body."""

    cloudevents: bool = Field(
        False,
        description="Whether the body is a CloudEvent in structured mode, instead of the Standard Webhooks form.",
    )


class WebhookConnector:
    """Delivers by HTTP POST, with kept connections to each destination. `tls` replaces the public authorities."""

    repeat = Repeat.IDEMPOTENT

    def __init__(self, clock: Clock, *, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._http = OverHttp(tls=tls, resolve=resolve)
        self._routes: dict[Destination, _Route] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """POST the decision once."""
        destination = delivery.destination
        try:
            route = self._routes.get(destination) or self._route(destination)
        except (SecretInvalid, UrlInvalid) as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{destination.name}] cannot be used: {error}")
        got = await self._http.attempt(route.origin, self._request(route, delivery), destination)
        if isinstance(got, Answer):
            return got
        return answer_of(got.status, got.headers.get("retry-after"), now=self._clock.now())

    async def close(self) -> None:
        """Close all connections."""
        self._routes.clear()
        await self._http.close()

    def _request(self, route: "_Route", delivery: Delivery) -> bytes:
        media, body = body_of(delivery)
        key, timestamp = str(delivery.key), int(self._clock.now().timestamp())
        headers = {
            "host": route.origin.authority,
            "content-type": media,
            "user-agent": f"andon/{__version__}",
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": route.signer.sign(key, timestamp, body),
        }
        if delivery.correlation_id:
            headers["x-correlation-id"] = delivery.correlation_id
        if delivery.traceparent:
            headers["traceparent"] = delivery.traceparent
        return request_of("POST", route.origin.target, headers, body)

    def _route(self, destination: Destination) -> "_Route":
        origin = self._http.origin(destination)
        if not destination.secrets:
            raise SecretInvalid("there is no signing secret; set secret_env")
        route = self._routes[destination] = _Route(origin, Signer(destination.secrets))
        return route


@dataclass(frozen=True, slots=True)
class _Route:
    """The connection to one destination, and the signer of its messages."""

    origin: HttpOrigin
    signer: Signer


def body_of(delivery: Delivery) -> tuple[str, bytes]:
    """Return the media type and the body of a delivery: the same bytes at each attempt, all of them signed."""
    if delivery.event is not None or delivery.options.get("cloudevents"):
        return STRUCTURED, structured(delivery)
    event = {
        "type": f"decision.{delivery.outcome}",
        "timestamp": delivery.created_at.isoformat(),
        "data": delivery.data,
    }
    return "application/json", json.dumps(event, separators=(",", ":")).encode()
