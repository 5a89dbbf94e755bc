"""The limits within which a mail is read. What exceeds one is cut, left out or refused."""

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class MailLimits:
    """The largest mail that is read, and how much of it an event holds.

    A mail beyond the first five is refused. Of more recipients, a longer text or more tags of HTML the event holds the
    first ones.
    """

    max_bytes: int = 40 * MEBIBYTE
    max_parts: int = 500
    max_depth: int = 20
    max_headers: int = 10_000
    max_header_bytes: int = 512 * 1024
    max_recipients: int = 100
    max_text: int = 100_000
    max_tags: int = 10_000
