"""The options of a bot's run, and `[destinations.NAME.automation_anywhere]` of the Control Room."""

from collections.abc import Sequence

from pydantic import Field

from andon.actions import Inputs
from andon.actions.ports import Shape
from andon.kernel.secrets import SecretFrom


class BotOptions(Shape):
    """One run of a bot."""

    bot: int = Field(ge=1, description="The bot's file id.")
    inputs: Inputs = Field(
        None,
        description="The bot's input variables: a mapping whose strings may hold values. Default: `decision`, as JSON.",
    )
    wait: bool = Field(
        True, description="Whether the delivery ends when the bot has ended, rather than when it is deployed."
    )


class ControlRoomSettings(Shape):
    """The access to a Control Room, and who runs bots there."""

    user: str = Field("", description="The user under which Andon signs in.")
    api_key_env: SecretFrom | None = Field(None, description="Environment variable with the user's API key.")
    run_as: Sequence[int] = Field(default=(), description="The ids of the users that bots run as.")
    pools: Sequence[int] = Field(default=(), description="The ids of the device pools that may run them.")
    poll_seconds: float = Field(10.0, gt=0, le=3600, description="The first pause before Andon asks how the bot ended.")
    settle_seconds: float = Field(
        120.0,
        ge=0,
        le=3600,
        description="After this time, a run that was ordered and is not found counts as not deployed.",
    )
