"""What an action may say of a topic, and `[destinations.NAME.kafka]`."""

from typing import Annotated

from pydantic import Field

from andon.actions.ports import Shape


class KafkaOptions(Shape):
    """Of an action."""

    topic: Annotated[str, Field(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")]
    key: str | None = None


class KafkaSettings(Shape):
    """Of a destination: which of `[connections.NAME]` it is."""

    connection: str = "kafka"
