"""Webhooks by the rules of standardwebhooks.com: signed, keyed, never redirected, never into private networks."""

from andon.actions.ports import Kind
from andon.connectors.webhook.connector import WebhookConnector, WebhookOptions

KIND = Kind(
    summary="A signed HTTP POST of the decision (Standard Webhooks).",
    connect=lambda surroundings: WebhookConnector(surroundings.clock),
    options=WebhookOptions,
    sends_events=True,
)

__all__ = ["KIND", "WebhookConnector", "WebhookOptions"]
