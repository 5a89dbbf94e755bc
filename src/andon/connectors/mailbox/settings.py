"""The options of what is done with a mail, and `[destinations.NAME.mailbox]` of its mailbox."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from andon.actions import Text
from andon.actions.ports import Shape


class MailboxOptions(Shape):
    """One change of one mail."""

    do: Literal["move", "flag"] = Field(description="`move` or `flag`.")
    message: Text = Field("{input.message_id}", description="The mail's message id.")
    source: Text = Field("INBOX", description="The folder that it came into.")
    folder: Text | None = Field(None, description="Where it is moved.")
    flags: Sequence[Text] = Field(default=(), description="Flags such as `\\Flagged` or `$Urgent`.")
    remove: bool = Field(False, description="Whether the flags are removed.")

    @model_validator(mode="after")
    def _is_whole(self) -> "MailboxOptions":
        if self.do == "move" and not self.folder:
            raise ValueError("move needs a folder")
        if self.do == "flag" and not self.flags:
            raise ValueError("flag needs flags")
        return self


class MailboxSettings(Shape):
    """Which mailbox it is."""

    connection: str = Field("", description="The name under `[connections]`; the destination's own if it is empty.")
    make_folders: bool = Field(False, description="Whether a folder that is not there is made.")
