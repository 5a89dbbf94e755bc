"""The features of one row as seen: the basis of a decision, along with its input. A pure value."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

FEATURE_FAILED = "FEATURE_FAILED"


class Seen(Struct, frozen=True, gc=False):
    """The features of one row as seen, or why they could not be computed.

    `misplaced` says why windows do not have it at the time of its event, `breached` which values were unexpected.
    """

    features: Mapping[str, Any]
    error: str | None = None
    misplaced: str | None = None
    breached: Sequence[str] = ()
