"""Sampling: which decisions are read whole. Counts cover all decisions; where there are many, histograms cover a part of them.

Whether a decision is in the sample depends on its id alone and on how many decisions its five minutes had so far.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from andon.decisions import FeedOutline

SLOT = timedelta(minutes=5)
_SLOT_MS = 300_000

PER_SLOT = 500
"""Decisions of an automation that are read whole in five minutes; of more, an ever smaller share is."""

SlotKey: TypeAlias = tuple[str, int]
"""An automation, and the number of the slot since 1970."""


def slot_of(key: bytes, latest: int) -> int:
    """Return the slot of a decision by its id. A time in the future counts as the latest slot."""
    return min(int.from_bytes(key[:6]) // _SLOT_MS, latest)


def slot_number(at: datetime) -> int:
    """Return the slot of a moment."""
    return int(at.timestamp() * 1000) // _SLOT_MS


def slot_start(slot: int) -> datetime:
    """Return when a slot begins."""
    return datetime.fromtimestamp(slot * _SLOT_MS / 1000, tz=UTC)


def hour_start(slot: int) -> datetime:
    """Return when the hour of a slot begins."""
    return slot_start(slot - slot % 12)


def by_slot(outlines: Sequence[FeedOutline], latest: int) -> dict[SlotKey, list[FeedOutline]]:
    """Group decisions by automation and slot."""
    groups: dict[SlotKey, list[FeedOutline]] = defaultdict(list)
    for one in outlines:
        groups[one.automation, slot_of(one.key, latest)].append(one)
    return groups


def sampled(group: Sequence[FeedOutline], before: int) -> list[FeedOutline]:
    """Return the decisions of a slot that are read whole, where `before` were counted in it or in the slot before."""
    share = min(1.0, PER_SLOT / max(before, len(group), 1))
    if share == 1.0:
        return list(group)
    below = int(share * 65536)
    return [one for one in group if int.from_bytes(one.key[-2:]) < below]


def counted_before(key: SlotKey, counts: Mapping[SlotKey, int]) -> int:
    """Return the decisions counted so far in a slot, or in the slot before if those are more."""
    automation, slot = key
    return max(counts.get(key, 0), counts.get((automation, slot - 1), 0))
