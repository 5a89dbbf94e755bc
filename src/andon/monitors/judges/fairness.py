"""Fairness: rates and errors of each group compared with those of all others, with intervals."""

from collections.abc import Mapping
from typing import Any

from andon.authoring import Fairness
from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.windows import FEWEST_LABELS, JudgedWindow, too_few
from andon.monitors.sums import Sums, total
from andon.monitors.tallying import wanted
from andon.statistics.intervals import difference_interval, wilson

_FEWEST_OF_GROUP = 100


def judge_fairness(window: JudgedWindow) -> list[Observation]:
    """Compare the outcomes, the automatic share and the error of each group with those of all others."""
    declared = window.watched.monitors.fairness
    if not declared:
        return [Observation.silent("fairness", "no field was declared: Monitors(fairness=[Fairness(FIELD)])")]
    return [one for fairness in declared for one in _of_field(window, fairness, len(declared))]


def _of_field(window: JudgedWindow, fairness: Fairness, fields: int) -> list[Observation]:
    groups: Sums = total(
        [arm.sums["groups"][fairness.field] for arm in window.arms if fairness.field in arm.sums.get("groups", {})]
    )
    labelled = window.all_labels.get("groups", {}).get(fairness.field, {})
    names = sorted({*wanted(groups), *wanted(labelled)})
    if len(names) < 2:
        why = f"{fairness.field} has fewer than two groups in this window"
        return [Observation.silent("fairness", why, fairness.field)]
    whole = total(groups.values())
    outcomes = sorted(whole.get("outcomes", {}))
    tests = fields * len(names) * (len(outcomes) + 2)
    level = window.level / tests
    found = []
    for name in names:
        own = groups.get(name, {})
        for outcome in outcomes:
            pair = (own.get("outcomes", {}).get(outcome, 0), own.get("decisions", 0))
            rest = (whole["outcomes"][outcome], whole["decisions"])
            what = (f"outcome {outcome}", _FEWEST_OF_GROUP, "decisions")
            found.append(_compared(window, fairness, name, what, (pair, rest), level))
        pair, rest = (
            (own.get("automatic", 0), own.get("decisions", 0)),
            (
                whole.get("automatic", 0),
                whole.get("decisions", 0),
            ),
        )
        found.append(
            _compared(window, fairness, name, ("automatic", _FEWEST_OF_GROUP, "decisions"), (pair, rest), level)
        )
        errors = _errors(labelled, name)
        found.append(_compared(window, fairness, name, ("error", FEWEST_LABELS, "labels"), errors, level))
    return found


def _errors(labelled: Mapping[str, Any], name: str) -> tuple[tuple[float, float], tuple[float, float]]:
    whole = total(labelled.values()) if labelled else {"wrong": 0, "rows": 0}
    own = labelled.get(name, {"wrong": 0, "rows": 0})
    return (own["wrong"], own["rows"]), (whole["wrong"], whole["rows"])


def _compared(
    window: JudgedWindow,
    fairness: Fairness,
    group: str,
    what: tuple[str, int, str],
    pair: tuple[tuple[float, float], tuple[float, float]],
    level: float,
) -> Observation:
    """Compare a rate of a group with that of all others; a breach if the whole interval lies beyond the tolerance."""
    rate, fewest, of = what
    (k, n), (all_k, all_n) = pair
    series, segment = f"{fairness.field} {rate}", {fairness.field: group}
    rest_k, rest_n = all_k - k, all_n - n
    if min(n, rest_n) < fewest:
        why = too_few(int(min(n, rest_n)), fewest, f"{of} of a group")
        return Observation.silent("fairness", why, series, segment=segment, decisions=int(n))
    low, high = difference_interval((k, n), (rest_k, rest_n), level)
    shown_low, shown_high = wilson(k, n)
    apart = low > fairness.tolerance or high < -fairness.tolerance
    return Observation(
        monitor="fairness",
        series=series,
        segment=segment,
        state=MonitorState.WARNING if apart else MonitorState.GOOD,
        message=f"{rate} for {group}: {k / n:.1%}, for all others {rest_k / rest_n:.1%}",
        observed=k / n,
        expected=rest_k / rest_n,
        low=shown_low,
        high=shown_high,
        unit="share",
        false_alarm=window.level if apart else None,
        decisions=int(n),
        since=window.since,
        detail={"difference": [low, high], "tolerance": fairness.tolerance},
    )
