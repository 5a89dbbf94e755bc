"""Webhooks by the rules of standardwebhooks.com: signed, keyed, never redirected, and not into private networks."""

from andon.connectors.webhook.connector import WebhookConnector

__all__ = ["WebhookConnector"]
