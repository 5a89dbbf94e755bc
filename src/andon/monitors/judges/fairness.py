"""Fairness: rates and errors of each group compared with those of all others, with intervals.

A subject counts once where the automation says whose its decisions are: ten payments of an account are not ten cases.
"""

from andon.authoring import Fairness
from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.windows import FEWEST_LABELS, JudgedWindow, too_few
from andon.monitors.labelled import once_errors
from andon.monitors.once import ONCE
from andon.monitors.sums import Sums, total
from andon.monitors.tallying import once_sums, wanted
from andon.statistics.intervals import difference_interval, wilson

_FEWEST_OF_GROUP = 100


def judge_fairness(window: JudgedWindow) -> list[Observation]:
    """Compare the outcomes, the automatic share and the error of each group with those of all others."""
    declared = window.watched.monitors.fairness
    if not declared:
        return [Observation.silent("fairness", "no field was declared: Monitors(fairness=[Fairness(FIELD)])")]
    return [one for fairness in declared for one in _of_field(window, fairness, len(declared))]


def _of_field(window: JudgedWindow, fairness: Fairness, fields: int) -> list[Observation]:
    groups, labelled = _decided(window, fairness.field), _labelled(window, fairness.field)
    names = sorted({*wanted(groups), *wanted(labelled)})
    if len(names) < 2:
        why = f"{fairness.field} has fewer than two groups in this window"
        return [Observation.silent("fairness", why, fairness.field)]
    whole, errors = total(groups.values()), total(labelled.values())
    outcomes = sorted(whole.get("outcomes", {}))
    level = window.level / (fields * len(names) * (len(outcomes) + 2))
    found = []
    for name in names:
        own = groups.get(name, {})
        rates = [
            (f"outcome {outcome}", own.get("outcomes", {}).get(outcome, 0), whole["outcomes"][outcome])
            for outcome in outcomes
        ]
        for rate, some, among in [*rates, ("automatic", own.get("automatic", 0), whole.get("automatic", 0))]:
            pair = ((some, own.get("decisions", 0)), (among, whole.get("decisions", 0)))
            found.append(_compared(window, fairness, name, (rate, _FEWEST_OF_GROUP, "decisions"), pair, level))
        mine = labelled.get(name, {})
        pair = ((mine.get("wrong", 0), mine.get("rows", 0)), (errors.get("wrong", 0), errors.get("rows", 0)))
        found.append(_compared(window, fairness, name, ("error", FEWEST_LABELS, "labels"), pair, level))
    return found


def _decided(window: JudgedWindow, field: str) -> Sums:
    """Return the counts of each group: of one decision of each subject, or of all if nothing says whose they are."""
    arms = [arm.sums for arm in window.arms if field in arm.sums.get("groups", {})]
    if arms and all(field in sums.get(ONCE, {}) for sums in arms):
        return once_sums(total([{ONCE: sums[ONCE]} for sums in arms])[ONCE][field])
    return total([sums["groups"][field] for sums in arms])


def _labelled(window: JudgedWindow, field: str) -> Sums:
    """Return the labels of each group and how many show an error, in the same way."""
    if field in window.all_labels.get(ONCE, {}):
        return once_errors(window.all_labels[ONCE][field])
    found: Sums = window.all_labels.get("groups", {}).get(field, {})
    return found


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
