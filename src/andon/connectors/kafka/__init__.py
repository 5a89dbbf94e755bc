"""Kafka as a destination: decisions as CloudEvents on a topic (extra `kafka`)."""

from andon.actions.ports import Kind
from andon.connectors.kafka.connector import KafkaConnector
from andon.connectors.kafka.settings import KafkaOptions, KafkaSettings

KIND = Kind(
    summary="A CloudEvent on a Kafka topic (extra kafka).",
    connect=lambda surroundings: KafkaConnector(surroundings.connections),
    options=KafkaOptions,
    settings=KafkaSettings,
    needs_url=False,
    sends_events=True,
)

__all__ = ["KIND", "KafkaConnector", "KafkaOptions", "KafkaSettings"]
