"""The options of an action's mail, and `[destinations.NAME.smtp]` of the server."""

from collections.abc import Sequence

from pydantic import Field

from andon.actions import SendingSettings, Text
from andon.actions.ports import Shape


class SmtpOptions(Shape):
    """One mail."""

    to: Sequence[Text] = Field(min_length=1, max_length=50, description="Addresses; values in braces are filled in.")
    subject: Text = Field(description="The subject, e.g. `Transfer {input.transfer_id} is paused`.")
    text: Text = Field(description="The text.")


class SmtpSettings(SendingSettings):
    """The connection to the server."""
