"""Labelled: label sums of one arm's decisions in one hour, always computed from all labels. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from andon.decisions import DecisionRow
from andon.evidence import is_automatic
from andon.labels import Label, LabelSource, ValidLabel
from andon.monitors.once import ONCE, Kept, by_group, draw_of, kept
from andon.monitors.sums import Sums, added
from andon.statistics.scores import LabelledScores


class LabelledDecision(Struct, frozen=True, gc=False):
    """A decision with a known class: the prediction, the truth, and the number of decisions it represents."""

    row: DecisionRow
    valid: ValidLabel
    weight: float
    labels: Sequence[Label]
    groups: Mapping[str, str]
    place: str | None = None
    """The place of its subject (`once.py`); None if the automation does not say whose its decisions are."""


def sums_of(decisions: Sequence[LabelledDecision], positive: str | None) -> Sums:
    """Sum labels; of two classes, `positive` is the one whose probability is the score.

    Weights count as decisions, and their squares measure the precision of the sums.
    """
    sums: Sums = {
        "labelled": len(decisions),
        "classes": defaultdict(float),
        "automatic": _stratum([one for one in decisions if is_automatic(one.row)]),
        "reviewed": _stratum([one for one in decisions if not is_automatic(one.row)]),
        "scores": _scores(decisions, positive),
        "reviewers": {},
        "rules": {},
        "groups": {},
    }
    for one in decisions:
        if one.valid.source is not LabelSource.REVIEW:
            sums["classes"][one.valid.value] += one.weight
        _add_verdicts(sums, one)
        for field, group in one.groups.items():
            _add_to(sums["groups"].setdefault(field, {}), group, wrong=is_wrong(one))
    sums["classes"] = dict(sums["classes"])
    if any(one.place is not None for one in decisions):
        fields = sorted({field for one in decisions for field in one.groups})
        sums[ONCE] = {field: kept(_entries(decisions, field)) for field in fields}
    return sums


def _entries(decisions: Sequence[LabelledDecision], field: str) -> Iterator[tuple[str, list[Any]]]:
    for one in decisions:
        if one.place is not None and field in one.groups:
            yield one.place, [draw_of(one.row.id.bytes), one.groups[field], int(is_wrong(one))]


def once_errors(some: Kept) -> Sums:
    """Count the kept decisions of each group, and those that were wrong."""
    return {
        group: {"rows": len(ones), "wrong": sum(wrong for (wrong,) in ones)} for group, ones in by_group(some).items()
    }


def is_wrong(one: LabelledDecision) -> bool:
    """Return whether the predicted class differs from the true one."""
    return one.row.label != one.valid.value


def by_arm(decisions: Sequence[LabelledDecision]) -> dict[str, list[LabelledDecision]]:
    """Group decisions by their arm."""
    found: dict[str, list[LabelledDecision]] = defaultdict(list)
    for one in decisions:
        found[one.row.arm].append(one)
    return found


def _stratum(decisions: Sequence[LabelledDecision]) -> Sums:
    predicted = [one for one in decisions if one.row.label is not None and one.row.confidence is not None]
    return {
        "rows": len(predicted),
        "weight": sum(one.weight for one in predicted),
        "squares": sum(one.weight**2 for one in predicted),
        "wrong": sum(one.weight for one in predicted if is_wrong(one)),
        "expected": sum(one.weight * (1 - float(one.row.confidence or 0.0)) for one in predicted),
    }


def _scores(decisions: Sequence[LabelledDecision], positive: str | None) -> Sums:
    """Sum scores along with the results: of the positive class, or of the predicted one if there are more than two."""
    scored = [(one, one.row.score) for one in decisions if one.row.score is not None and one.row.label is not None]
    true = [one.valid.value == (one.row.label if positive is None else positive) for one, _ in scored]
    found = LabelledScores.of(
        np.array([score for _, score in scored], dtype=np.float64),
        np.array(true, dtype=np.bool_),
        np.array([one.weight for one, _ in scored], dtype=np.float64),
    )
    return {
        "bins": found.bins.tolist(),
        "gap": found.gap,
        "gap_variance": found.gap_variance,
        "spiegelhalter": found.spiegelhalter,
        "spiegelhalter_variance": found.spiegelhalter_variance,
    }


def labelled_scores(labels: Mapping[str, Any]) -> LabelledScores:
    """Return the scores of labelled decisions as summed."""
    kept = labels.get("scores")
    return LabelledScores.none() if kept is None else LabelledScores(**{**kept, "bins": np.array(kept["bins"])})


def _add_verdicts(sums: Sums, one: LabelledDecision) -> None:
    """Count verdicts against predictions, by reviewer and by the rule that asked for the review."""
    if one.row.label is None:
        return
    last = next((label for label in reversed(one.labels) if label.source is LabelSource.REVIEW), None)
    if last is None or last.value is None:
        return
    _add_to(sums["reviewers"], last.by, wrong=last.value != one.row.label)
    _add_to(sums["rules"], one.row.rule, wrong=last.value != one.row.label)


def _add_to(counts: dict[str, Any], name: str, *, wrong: bool) -> None:
    counts[name] = added(counts.get(name, {"rows": 0, "wrong": 0}), {"rows": 1, "wrong": int(wrong)})
