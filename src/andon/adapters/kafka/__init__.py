"""Kafka topics as sources of events (extra `kafka`). Positions are Andon's own: no consumer group is joined."""

from andon.adapters.kafka.source import KafkaSource

__all__ = ["KafkaSource"]
