"""The options of a flow's run, and `[destinations.NAME.power_automate]` of the environment."""

from typing import Literal
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from andon.actions import Inputs
from andon.actions.ports import Shape
from andon.kernel.places import HttpAddress
from andon.kernel.secrets import SecretFrom


class FlowOptions(Shape):
    """One run of a flow."""

    flow: str | None = Field(
        None,
        description="The id of a desktop flow. Without it, the destination's url is the HTTP trigger of a cloud flow.",
    )
    inputs: Inputs = Field(
        None, description="The flow's inputs: a mapping whose strings may hold values. Default: `decision`, as JSON."
    )
    run_mode: Literal["attended", "unattended"] = Field("unattended", description="How a desktop flow runs.")
    priority: Literal["normal", "high"] = Field("normal", description="The priority of a desktop flow.")
    wait: bool = Field(
        True, description="Whether the delivery ends when the desktop flow has ended, rather than when it is queued."
    )

    @field_validator("flow")
    @classmethod
    def _is_an_id(cls, flow: str | None) -> str | None:
        try:
            return None if flow is None else str(UUID(flow))
        except ValueError:
            raise ValueError("expected the id of a desktop flow, as in its address") from None


class PowerAutomateSettings(Shape):
    """The access to an environment."""

    token_url: HttpAddress | None = Field(
        None, description="`https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`; none for an HTTP trigger."
    )
    client_id: str | None = Field(None, description="The id of Andon's application.")
    client_secret_env: SecretFrom | None = Field(None, description="Environment variable with its secret.")
    scope: str | None = Field(
        None, description="The scope of the token. Default: `/.default` of the destination's url."
    )
    connection: str = Field("", description="The name of the desktop flow connection, which determines the machines.")
    connection_reference: bool = Field(False, description="Whether `connection` is a reference's logical name.")
    timeout_seconds: int = Field(7200, ge=1, le=86400, description="How long a desktop flow may run.")
    poll_seconds: float = Field(
        10.0, gt=0, le=3600, description="The first pause before Andon asks how the flow ended."
    )
    settle_seconds: float = Field(
        120.0,
        ge=0,
        le=3600,
        description="After this time, a run that was ordered and is not found counts as not started.",
    )

    @model_validator(mode="after")
    def _is_one_way_in(self) -> "PowerAutomateSettings":
        together = (self.token_url, self.client_id, self.client_secret_env)
        if any(together) and not all(together):
            raise ValueError("token_url, client_id and client_secret_env go together")
        return self
