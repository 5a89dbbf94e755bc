"""NATS JetStream as a destination: decisions as CloudEvents on a subject (extra `nats`)."""

from andon.actions.ports import Kind
from andon.connectors.nats.connector import NatsConnector
from andon.connectors.nats.settings import NatsOptions, NatsSettings

KIND = Kind(
    summary="A CloudEvent on a subject of a JetStream stream (extra nats).",
    connect=lambda surroundings: NatsConnector(surroundings.connections),
    options=NatsOptions,
    settings=NatsSettings,
    needs_url=False,
    sends_events=True,
)

__all__ = ["KIND", "NatsConnector", "NatsOptions", "NatsSettings"]
