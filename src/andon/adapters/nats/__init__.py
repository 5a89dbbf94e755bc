"""JetStream streams as sources of events (extra `nats`). Positions are Andon's own: no durable consumer is left in the server."""

from andon.adapters.nats.source import NatsSource

__all__ = ["NatsSource"]
