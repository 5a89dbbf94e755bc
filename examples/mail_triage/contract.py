"""The input: one mail, with the parts that the line uses."""

from collections.abc import Mapping
from typing import Annotated, Any

from andon import Text
from pydantic import BaseModel, ConfigDict, Field

SUBJECT, TEXT = 998, 20_000
"""The longest subject and text; of a longer mail the line sees the beginning, and `cut` is true."""


class Mail(BaseModel):
    """One mail to the bank. `text` is its own text with the signature, without quotations."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str, Text(max_length=SUBJECT)]
    text: Annotated[str, Text(max_length=TEXT)]
    sender: Annotated[str, Field(max_length=320)]
    message_id: Annotated[str, Field(max_length=998)]
    attachments: Annotated[int, Field(ge=0)]
    answers: Annotated[bool, Field(description="Whether it answers another mail")]
    cut: bool
    folder: str
    uid: int


def read_mail(mail: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a mail from the mailbox into the line's input.

    The signature is included, since everything after a closing line is taken for one.
    """
    text = "\n\n".join(part for part in (mail["text"], mail["signature"]) if part)
    return {
        "subject": mail["subject"][:SUBJECT],
        "text": text[:TEXT],
        "sender": mail["from"]["address"],
        "message_id": mail["message_id"],
        "attachments": len(mail["attachments"]),
        "answers": bool(mail["thread"]),
        "cut": mail["cut"] or len(text) > TEXT,
        "folder": mail["folder"],
        "uid": mail["uid"],
    }
