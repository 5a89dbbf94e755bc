"""The options of a reply or a mail passed on, and `[destinations.NAME.correspondence]` of who sends it."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from andon.actions import SendingSettings, Text
from andon.actions.ports import Shape


class CorrespondenceOptions(Shape):
    """One mail that follows from another."""

    do: Literal["reply", "forward"] = Field(description="`reply` or `forward`.")
    text: Text = Field(description="The text; values in braces are filled in.")
    message: Text = Field("{input.message_id}", description="The message id of the mail that it follows from.")
    source: Text = Field("INBOX", description="The folder in which that mail is looked for first.")
    to: Sequence[Text] = Field(default=(), max_length=50, description="Who gets a mail that is passed on.")
    subject: Text | None = Field(None, description="The subject; else `Re:` or `Fwd:` and that of the mail.")

    @model_validator(mode="after")
    def _is_whole(self) -> "CorrespondenceOptions":
        if (self.do == "forward") != bool(self.to):
            raise ValueError("forward needs `to`, and reply goes to whoever wrote")
        return self


class CorrespondenceSettings(SendingSettings):
    """The mailbox, and the server that sends."""

    connection: str = Field("", description="The name under `[connections]`; the destination's own if it is empty.")
    replies_a_day: int = Field(3, ge=1, le=1000, description="Replies to one address in 24 hours, at most.")
