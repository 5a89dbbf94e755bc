"""The limits of reading a mail. Anything beyond them is cut, omitted or refused."""

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class MailLimits:
    """The limits of a mail that is read, and of its parts that an event holds.

    A mail beyond the first five is refused. Beyond the other limits, the event holds the first
    recipients, the beginning of the text, and the text of the first HTML tags.
    """

    max_bytes: int = 40 * MEBIBYTE
    max_parts: int = 500
    max_depth: int = 20
    max_headers: int = 10_000
    max_header_bytes: int = 512 * 1024
    max_recipients: int = 100
    max_text: int = 100_000
    max_tags: int = 10_000
