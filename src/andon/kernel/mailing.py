"""`[mail]` and `[attachments]`: how much of a mail is read, and how long its attachments are kept."""

from pydantic import Field

from andon.kernel.environment import Section

MEBIBYTE = 2**20


class MailSettings(Section):
    """How mails are read."""

    max_bytes: int = Field(
        40 * MEBIBYTE, gt=0, le=256 * MEBIBYTE, description="A mail of more bytes is a dead event, and is not fetched."
    )
    max_parts: int = Field(500, gt=0, le=500, description="A mail of more MIME parts is a dead event.")
    max_recipients: int = Field(100, gt=0, le=5000, description="Of more recipients an event holds the first ones.")
    max_text: int = Field(
        100_000, gt=0, le=1_000_000, description="Of a longer text an event holds so many characters, and says `cut`."
    )


class AttachmentSettings(Section):
    """How attachments are kept."""

    keep_days: int = Field(90, gt=0, le=3650, description="Days after which an attachment is deleted.")
    max_bytes: int = Field(25 * MEBIBYTE, gt=0, description="Bytes of all attachments of one mail that are kept.")
    max_number: int = Field(50, gt=0, le=500, description="Attachments of one mail that are kept.")
    max_total_bytes: int = Field(
        20 * 1024 * MEBIBYTE, gt=0, description="Bytes of all attachments together; beyond them none is kept."
    )
