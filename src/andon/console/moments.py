"""Moments that people type into the filters of a page."""

from datetime import datetime

from andon.kernel.errors import Invalid
from andon.kernel.moments import in_utc


class FilterInvalid(Invalid):
    """A filter cannot be read."""


def moment_in(name: str, text: str) -> datetime | None:
    """Read a moment; None for an empty text. Raises FilterInvalid."""
    if not text.strip():
        return None
    try:
        return in_utc(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise FilterInvalid(f"{name}: expected a time such as 2026-11-24 08:30, got {text!r}") from None
