"""The options of a queue item or job, and `[destinations.NAME.uipath]` of the Orchestrator."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from andon.actions import Inputs
from andon.actions.ports import Shape
from andon.kernel.places import HttpAddress
from andon.kernel.secrets import SecretFrom


class UipathOptions(Shape):
    """One queue item, or one job."""

    queue: str | None = Field(None, min_length=1, description="The queue that receives an item, by its name.")
    process: str | None = Field(None, min_length=1, description="The process to start as a job, by its name.")
    content: Inputs = Field(
        None,
        description="The item's specific content or the job's input arguments: a mapping whose texts may hold values. "
        "None: the decision, as JSON in `decision`.",
    )
    priority: Literal["Low", "Normal", "High"] = Field("Normal", description="The priority.")
    wait: bool = Field(
        True, description="Whether the delivery ends when the robot has finished, rather than when the work is queued."
    )

    @model_validator(mode="after")
    def _is_one(self) -> "UipathOptions":
        if (self.queue is None) == (self.process is None):
            raise ValueError("expected either a queue or a process")
        return self


class UipathSettings(Shape):
    """The access to an Orchestrator in the cloud or on premises."""

    client_id: str | None = Field(None, description="The id of Andon's external application there.")
    client_secret_env: SecretFrom | None = Field(None, description="Environment variable with its secret.")
    token_env: SecretFrom | None = Field(
        None, description="Environment variable with a personal access token, instead of an external application."
    )
    token_url: HttpAddress | None = Field(
        None,
        description="The token endpoint. Default: `/identity_/connect/token` of the organization in the cloud, "
        "`/identity/connect/token` of the host on premises.",
    )
    scope: str = Field("OR.Queues OR.Jobs OR.Execution.Read", description="The scopes of the token.")
    folder: str | None = Field(None, description="The folder of the queue or process, by its path: `Shared/Payments`.")
    folder_id: int | None = Field(None, ge=1, description="The same folder, by its number.")
    poll_seconds: float = Field(
        10.0, gt=0, le=3600, description="The first pause before Andon asks how the work ended."
    )
    settle_seconds: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="After this time, a job that was ordered and is not found counts as not started.",
    )

    @model_validator(mode="after")
    def _is_one_way_in(self) -> "UipathSettings":
        if (self.client_id is None) != (self.client_secret_env is None):
            raise ValueError("client_id and client_secret_env go together")
        if self.client_id and self.token_env:
            raise ValueError("client_id and token_env are both set; set one")
        if self.folder and self.folder_id:
            raise ValueError("folder and folder_id are both set; set one")
        return self


def token_url_of(url: str, settings: UipathSettings) -> str:
    """Return the URL that issues tokens for an Orchestrator."""
    if settings.token_url is not None:
        return settings.token_url
    parts = urlsplit(url)
    segments = [one for one in parts.path.split("/") if one]
    host = f"{parts.scheme}://{parts.netloc}"
    if segments and segments[-1] == "orchestrator_":
        organization = f"/{segments[0]}" if len(segments) > 1 else ""
        return f"{host}{organization}/identity_/connect/token"
    return f"{host}/identity/connect/token"
