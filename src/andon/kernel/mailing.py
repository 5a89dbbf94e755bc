"""`[mail]` and `[attachments]`: how much of a mail is read, and how long its attachments are kept."""

from pydantic import Field

from andon.kernel.environment import Section

MEBIBYTE = 2**20


class MailSettings(Section):
    """Limits on reading mails."""

    max_bytes: int = Field(
        40 * MEBIBYTE,
        gt=0,
        le=256 * MEBIBYTE,
        description="A mail with more bytes is not fetched and becomes a dead event.",
    )
    max_parts: int = Field(500, gt=0, le=500, description="A mail with more MIME parts becomes a dead event.")
    max_recipients: int = Field(
        100, gt=0, le=5000, description="The most recipients that an event holds: the first ones."
    )
    max_text: int = Field(
        100_000,
        gt=0,
        le=1_000_000,
        description="The most characters of text that an event holds; a longer text is truncated and marked `cut`.",
    )


class AttachmentSettings(Section):
    """Storage of attachments."""

    keep_days: int = Field(90, gt=0, le=3650, description="Days after which an attachment is deleted.")
    max_bytes: int = Field(25 * MEBIBYTE, gt=0, description="The most bytes of attachments kept from one mail.")
    max_number: int = Field(50, gt=0, le=500, description="The most attachments kept from one mail.")
    max_total_bytes: int = Field(
        20 * 1024 * MEBIBYTE, gt=0, description="The most bytes of all attachments together; beyond this, none is kept."
    )
