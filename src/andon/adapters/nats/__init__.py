"""JetStream streams as sources of events (extra `nats`).

Positions are Andon's own: the server keeps no durable consumer.
"""

from andon.adapters.nats.source import NatsSource

__all__ = ["NatsSource"]
