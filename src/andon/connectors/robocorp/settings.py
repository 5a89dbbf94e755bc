"""The options of a work item, and `[destinations.NAME.robocorp]` of the workspace."""

import re

from pydantic import Field, field_validator

from andon.actions import Inputs
from andon.actions.ports import Shape
from andon.kernel.secrets import SecretFrom

_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class WorkItemOptions(Shape):
    """One work item."""

    process: str = Field(description="The id of the process whose input queue gets the item.")
    payload: Inputs = Field(
        None, description="The item's payload: a mapping whose strings may hold values. Default: the decision."
    )
    wait: bool = Field(
        True, description="Whether the delivery ends when the robot has finished, rather than when the work is queued."
    )

    @field_validator("process")
    @classmethod
    def _is_an_id(cls, process: str) -> str:
        if not _ID.match(process):
            raise ValueError("expected an id of letters, digits, - and _")
        return process


class RobocorpSettings(Shape):
    """The access to a workspace. Files need none of it."""

    workspace: str = Field("", description="The id of the workspace.")
    api_key_env: SecretFrom | None = Field(None, description="Environment variable with the workspace's API key.")
    poll_seconds: float = Field(
        10.0, gt=0, le=3600, description="The first pause before Andon asks how the item ended."
    )
    settle_seconds: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="After this time, an item that was ordered and is not found counts as not created.",
    )

    @field_validator("workspace")
    @classmethod
    def _is_an_id(cls, workspace: str) -> str:
        if workspace and not _ID.match(workspace):
            raise ValueError("expected an id of letters, digits, - and _")
        return workspace
