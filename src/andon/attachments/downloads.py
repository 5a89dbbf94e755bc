"""HTTP headers that make a browser save an attachment under its name, and never display or run it."""

from collections.abc import Mapping
from urllib.parse import quote

from andon.attachments.domain import Attachment

MEDIA_TYPE = "application/octet-stream"
"""The media type of every download; the sender's is not trusted."""


def headers_of(one: Attachment) -> Mapping[str, str]:
    """Return the headers of a download."""
    name = quote(one.name, safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{one.sha256[:16]}.bin\"; filename*=UTF-8''{name}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
