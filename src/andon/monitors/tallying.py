"""Tallying: the sums that a batch of decisions adds to the windows of its arms. Pure, one pass over columns."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct, ValidationError

from andon.decisions import FeedGroup, FeedItem, WholeRecord
from andon.monitors.once import ONCE, Kept, by_group, draw_of, kept, place_of
from andon.monitors.references import ModelReference
from andon.monitors.sums import OTHER, Sums, counted, limited, milliseconds
from andon.monitors.watching import WatchedAutomation
from andon.policies import ERROR
from andon.statistics.scores import ScoreSums

MOST_GROUPS = 20
"""The most values of a field that are compared for fairness; all others count as OTHER."""


@dataclass(frozen=True, slots=True)
class WindowKey:
    """One hour of one arm."""

    automation: str
    arm: str
    starts_at: datetime
    model: str
    version: int


class WholeDecision(Struct, frozen=True, gc=False):
    """A decision of the sample: the 16 bytes of its id, the columns that it shares with others, and its record."""

    key: bytes
    of: FeedGroup
    record: WholeRecord


@dataclass(slots=True)
class SlotTally:
    """The decisions of five minutes, and those that kept the service level."""

    decisions: int = 0
    met: int = 0


def read_all(chosen: Mapping[bytes, FeedGroup], items: Iterable[FeedItem]) -> list[WholeDecision]:
    """Read the records of decisions; unreadable ones are omitted."""
    return [WholeDecision(one.key, chosen[one.key], record) for one in items if (record := readable(one)) is not None]


def readable(item: FeedItem) -> WholeRecord | None:
    """Return the record of a decision; None if it cannot be read."""
    try:
        return item.whole()
    except (ValueError, ValidationError):
        return None


def group_sums(groups: Sequence[FeedGroup]) -> Sums:
    """Count decisions by their columns."""
    return {
        "decisions": sum(one.count for one in groups),
        "automatic": sum(one.count for one in groups if one.automatic),
        "failed": sum(one.count for one in groups if one.rule == ERROR),
        "outcomes": _summed((one.outcome, one.count) for one in groups),
        "rules": _summed((one.rule, one.count) for one in groups),
        "labels": _summed((one.label, one.count) for one in groups if one.label is not None),
        "bands": _summed((str(one.band), one.count) for one in groups),
    }


def slot_tally(groups: Sequence[FeedGroup], latency_us: float) -> SlotTally:
    """Count a slot's decisions that were in time and without an error; latencies are accurate to five percent."""
    met = sum(one.count for one in groups if one.rule != ERROR and milliseconds(one.band) * 1000 <= latency_us)
    return SlotTally(sum(one.count for one in groups), met)


def whole_sums(group: Sequence[WholeDecision], reference: ModelReference | None, watched: WatchedAutomation) -> Sums:
    """Count decisions of the sample by their records."""
    sums: Sums = {"seen": len(group), "errors": _errors(group)}
    predicted = [one for one in group if one.record.prediction is not None]
    if reference is not None:
        sums["certainty"] = _certainty(predicted, reference.manifest.signature.positive)
        sums["features"] = dict(
            zip(
                reference.features.binning.names,
                reference.features.binning.count(reference.matrix([one.record.row() for one in group])).to_json(),
                strict=True,
            )
        )
        sums["scores"] = reference.scores.binning.count(_scores(predicted)).to_json()[0]
    if watched.fields:
        sums["groups"] = {name: _groups(group, name) for name in watched.fields}
        if watched.subject is not None:
            sums[ONCE] = {name: _once(group, name, watched.subject) for name in watched.fields}
    return sums


def _summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, count in pairs:
        sums[name] = sums.get(name, 0) + count
    return limited(sums)


def group_name(value: Any) -> str:
    """Return the name of a group by the value of its field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)[:60]


def _errors(group: Sequence[WholeDecision]) -> dict[str, int]:
    """Count error classes: why a fallback answered, or why a person was asked instead."""
    reasons = []
    for one in group:
        record = one.record
        if record.fallback is not None:
            reasons.append(record.fallback.because)
        elif record.policy.rule == ERROR:
            reasons.append(record.policy.reasons[-1] if record.policy.reasons else ERROR)
    return counted(reasons)


def _certainty(predicted: Sequence[WholeDecision], positive: str | None) -> Sums:
    """Sum scores in fine bins. Without a positive class, each is the score of the prediction.

    Calibrated scores imply their own error rate.
    """
    made = [p for one in predicted if (p := one.record.prediction) is not None]
    scores = np.array([one.score for one in made], dtype=np.float64)
    chosen = np.array([positive is None or one.label == positive for one in made], dtype=np.bool_)
    return ScoreSums.of(scores, chosen).to_json()


def _scores(predicted: Sequence[WholeDecision]) -> Any:
    return np.array([[p.score] for one in predicted if (p := one.record.prediction) is not None]).reshape(-1, 1)


def _groups(group: Sequence[WholeDecision], name: str) -> Sums:
    members: dict[str, list[FeedGroup]] = defaultdict(list)
    for one in group:
        members[group_name(one.record.row().get(name))].append(one.of)
    kept = dict(sorted(members.items(), key=lambda item: -len(item[1]))[:MOST_GROUPS])
    rest = [one for value, ones in members.items() if value not in kept for one in ones]
    if rest:
        kept[OTHER] = rest
    return {value: _rates(ones) for value, ones in kept.items()}


def _once(group: Sequence[WholeDecision], name: str, subject: str) -> dict[str, list[Any]]:
    """Keep one decision of each subject: its group, its outcome and whether it was automatic."""
    entries = []
    for one in group:
        row = one.record.row()
        entry = [draw_of(one.key), group_name(row.get(name)), one.of.outcome, int(one.of.automatic)]
        entries.append((place_of(row.get(subject), one.key), entry))
    return kept(entries)


def once_sums(some: Kept) -> Sums:
    """Count the kept decisions of each group; the groups with the fewest count together."""
    members = by_group(some)
    names = sorted(members, key=lambda name: (-len(members[name]), name))
    rates: dict[str, list[list[Any]]] = {}
    for place, name in enumerate(names):
        rates.setdefault(name if place < MOST_GROUPS else OTHER, []).extend(members[name])
    return {
        name: {
            "decisions": len(ones),
            "automatic": sum(automatic for _, automatic in ones),
            "outcomes": counted(outcome for outcome, _ in ones),
        }
        for name, ones in rates.items()
    }


def _rates(ones: Sequence[FeedGroup]) -> Sums:
    return {
        "decisions": len(ones),
        "automatic": sum(one.automatic for one in ones),
        "outcomes": counted(one.outcome for one in ones),
    }


def wanted(groups: Mapping[str, Any]) -> list[str]:
    """Return the names of groups that stand for one value."""
    return [name for name in groups if name not in (OTHER, "")]
