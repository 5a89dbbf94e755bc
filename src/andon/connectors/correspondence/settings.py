"""The options of a reply or a forwarded mail, and `[destinations.NAME.correspondence]`."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from andon.actions import SendingSettings, Text
from andon.actions.ports import Shape


class CorrespondenceOptions(Shape):
    """A reply, or a forwarded mail."""

    do: Literal["reply", "forward"] = Field(description="`reply` or `forward`.")
    text: Text = Field(description="The text; values in braces are filled in.")
    message: Text = Field("{input.message_id}", description="The message id of the original mail.")
    source: Text = Field("INBOX", description="The folder to search first for the original mail.")
    to: Sequence[Text] = Field(default=(), max_length=50, description="The recipients of a forwarded mail.")
    subject: Text | None = Field(None, description="The subject; by default `Re:` or `Fwd:` and the original subject.")

    @model_validator(mode="after")
    def _is_whole(self) -> "CorrespondenceOptions":
        if (self.do == "forward") != bool(self.to):
            raise ValueError("forward needs `to`; reply takes none, it goes to the sender")
        return self


class CorrespondenceSettings(SendingSettings):
    """The mailbox, and the server that sends."""

    connection: str = Field("", description="The name under `[connections]`; by default the destination's name.")
    replies_a_day: int = Field(3, ge=1, le=1000, description="The most replies to one address in 24 hours.")
