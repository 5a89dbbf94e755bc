"""The options of a mail action, and `[destinations.NAME.mailbox]`."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from andon.actions import Text
from andon.actions.ports import Shape


class MailboxOptions(Shape):
    """One change of one mail."""

    do: Literal["move", "flag"] = Field(description="`move` or `flag`.")
    message: Text = Field("{input.message_id}", description="The mail's message id.")
    source: Text = Field("INBOX", description="The folder in which the mail arrived.")
    folder: Text | None = Field(None, description="The folder to move it to.")
    flags: Sequence[Text] = Field(default=(), description="Flags such as `\\Flagged` or `$Urgent`.")
    remove: bool = Field(False, description="Whether to remove the flags instead.")

    @model_validator(mode="after")
    def _is_whole(self) -> "MailboxOptions":
        if self.do == "move" and not self.folder:
            raise ValueError("move needs a folder")
        if self.do == "flag" and not self.flags:
            raise ValueError("flag needs flags")
        return self


class MailboxSettings(Shape):
    """The mailbox of a destination."""

    connection: str = Field("", description="The name under `[connections]`; by default the destination's name.")
    make_folders: bool = Field(False, description="Whether to create a missing folder.")
