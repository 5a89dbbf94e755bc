"""The options of an action's mail, and `[destinations.NAME.smtp]` of the server."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from andon.actions import Text
from andon.actions.ports import Shape
from andon.kernel.secrets import SecretFrom


class SmtpOptions(Shape):
    """One mail."""

    to: Sequence[Text] = Field(min_length=1, max_length=50, description="Addresses; values in braces are filled in.")
    subject: Text = Field(description="The subject, e.g. `Transfer {input.transfer_id} is paused`.")
    text: Text = Field(description="The text.")


class SmtpSettings(Shape):
    """The connection to the server."""

    sender: str = Field("", description="The address that mail comes from; required.")
    encryption: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls` (usually port 587), `tls` from the beginning (465), or `none`."
    )
    user: str | None = Field(None, description="Who Andon is there.")
    password_env: SecretFrom | None = Field(None, description="Environment variable with the password.")

    @model_validator(mode="after")
    def _is_whole(self) -> "SmtpSettings":
        if (self.user is None) != (self.password_env is None):
            raise ValueError("user and password_env go together")
        if self.password_env is not None and self.encryption == "none":
            raise ValueError("a password is not sent without encryption")
        return self
