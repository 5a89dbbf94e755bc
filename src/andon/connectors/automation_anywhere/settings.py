"""The options of a bot's run, and `[destinations.NAME.automation_anywhere]` of the Control Room."""

from collections.abc import Sequence

from pydantic import Field, field_validator

from andon.actions import Body
from andon.actions.ports import Shape
from andon.kernel.secrets import SecretFrom


class BotOptions(Shape):
    """One run of a bot."""

    bot: int = Field(ge=1, description="The bot's file id.")
    inputs: Body = Field(
        None, description="The bot's input variables: a mapping whose texts may hold values. None: `decision`, as JSON."
    )
    wait: bool = Field(True, description="Whether the delivery ends with the bot's work, or once it is deployed.")

    @field_validator("inputs")
    @classmethod
    def _is_a_mapping(cls, inputs: object) -> object:
        if inputs is not None and not isinstance(inputs, dict):
            raise ValueError("expected a mapping of names to values")
        return inputs


class ControlRoomSettings(Shape):
    """The way into a Control Room, and who runs bots there."""

    user: str = Field("", description="The user name at the Control Room.")
    api_key_env: SecretFrom | None = Field(None, description="Environment variable with the user's API key.")
    run_as: Sequence[int] = Field(default=(), description="The ids of the users that bots run as.")
    pools: Sequence[int] = Field(default=(), description="The ids of the device pools that may run them.")
    poll_seconds: float = Field(10.0, gt=0, le=3600, description="The first pause before the bot's end is asked for.")
    settle_seconds: float = Field(
        120.0, ge=0, le=3600, description="A run that is not found so long after it was asked for was not deployed."
    )
