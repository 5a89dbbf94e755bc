"""The options of an action's topic, and `[destinations.NAME.kafka]`."""

from typing import Annotated

from pydantic import Field

from andon.actions.ports import Shape


class KafkaOptions(Shape):
    """The options of an action."""

    topic: Annotated[str, Field(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$", description="The topic.")]
    key: str | None = Field(
        None, description="Field of the input whose value is the key of the message. Default: the decision's id."
    )


class KafkaSettings(Shape):
    """The settings of a destination: its `[connections.NAME]`."""

    connection: str = Field("kafka", description="The NAME of its `[connections.NAME]`.")
