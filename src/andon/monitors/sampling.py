"""Sampling: the decisions that are read whole. Counts cover all decisions; at high volume, histograms cover a part.

Whether a decision is in the sample depends on its id alone and on the number of decisions in its five minutes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from andon.decisions import STEP, FeedGroup

_SLOT_MS = STEP // timedelta(milliseconds=1)

PER_SLOT = 500
"""The decisions of an automation that are read whole in five minutes; beyond that, an ever smaller share is."""

SlotKey: TypeAlias = tuple[str, int]
"""An automation, and the number of the slot since 1970."""


def slot_number(at: datetime) -> int:
    """Return the slot of a moment."""
    return int(at.timestamp() * 1000) // _SLOT_MS


def slot_start(slot: int) -> datetime:
    """Return when a slot begins."""
    return datetime.fromtimestamp(slot * _SLOT_MS / 1000, tz=UTC)


def hour_start(slot: int) -> datetime:
    """Return when the hour of a slot begins."""
    return slot_start(slot - slot % 12)


def by_slot(groups: Sequence[FeedGroup], latest: int) -> dict[SlotKey, list[FeedGroup]]:
    """Group decisions by automation and slot. A time in the future counts as the latest slot."""
    found: dict[SlotKey, list[FeedGroup]] = defaultdict(list)
    for one in groups:
        found[one.automation, min(slot_number(one.starts_at), latest)].append(one)
    return found


def sampled(groups: Sequence[FeedGroup], before: int) -> dict[bytes, FeedGroup]:
    """Return the decisions of a slot that are read whole, where `before` were counted in it or in the slot before."""
    count = sum(one.count for one in groups)
    share = min(1.0, PER_SLOT / max(before, count, 1))
    below = int(share * 65536)
    return {key: one for one in groups for key in one.keys if share == 1.0 or int.from_bytes(key[-2:]) < below}


def counted_before(key: SlotKey, counts: Mapping[SlotKey, int]) -> int:
    """Return the number of decisions in a slot, or in the slot before if larger."""
    automation, slot = key
    return max(counts.get(key, 0), counts.get((automation, slot - 1), 0))
