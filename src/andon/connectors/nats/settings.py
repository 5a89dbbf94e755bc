"""The options of an action's subject, and `[destinations.NAME.nats]`."""

from typing import Annotated

from pydantic import Field

from andon.actions.ports import Shape


class NatsOptions(Shape):
    """The options of an action: a subject without wildcards, which some stream takes."""

    subject: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            pattern=r"^[^\s.*>]+(\.[^\s.*>]+)*$",
            description="The subject, without wildcards.",
        ),
    ]


class NatsSettings(Shape):
    """The settings of a destination: its `[connections.NAME]`."""

    connection: str = Field("nats", description="The NAME of its `[connections.NAME]`.")
