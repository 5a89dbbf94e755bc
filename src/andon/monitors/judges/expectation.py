"""Performance without labels: the error that the model's own confidences expect, as long as these can be believed."""

from math import sqrt
from typing import Any

from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.drift import histograms_of
from andon.monitors.judges.truth import slack_of, stratified_error
from andon.monitors.judges.windows import FEWEST, ArmWindow, JudgedWindow, too_few
from andon.monitors.label_free import LabelFreeEstimate, estimate, expected_auc, reference_error
from andon.monitors.rates import FEWEST_WINDOWS, beside, interval

MOST_OUTSIDE = 0.05
"""The share of values beyond those of training from which on the model's confidences are not believed."""

_NAME = "label-free"


def judge_label_free(window: JudgedWindow) -> list[Observation]:
    """Estimate the error of each arm from its confidences, and compare it with the arm's first windows and held-out data."""
    return [_observed(window, arm) for arm in window.arms]


def estimate_of(arm: ArmWindow) -> LabelFreeEstimate | None:
    """Estimate the error of an arm's decisions in the window."""
    return estimate(arm.sums.get("certainty", {}))


def auc_of(arm: ArmWindow) -> float | None:
    """Estimate the area under the ROC curve in the window; None with more than two classes."""
    scores = arm.sums.get("scores")
    if arm.reference is None or not scores or arm.reference.manifest.signature.positive is None:
        return None
    edges = arm.reference.scores.binning.features[0].edges
    return expected_auc(edges, scores[1 : len(edges)])


def doubts(window: JudgedWindow, arm: ArmWindow, estimated: LabelFreeEstimate) -> str | None:
    """Return why the confidences of an arm cannot be believed; None if nothing speaks against them."""
    if ("calibration", window.series("", arm), "{}") in window.breaches:
        return "labels show that the confidences are not calibrated"
    labels = window.labels.get(arm.arm, {})
    share = arm.sums.get("automatic", 0) / arm.decisions if arm.decisions else 0.0
    found = stratified_error(labels, share)
    if found is not None:
        low, high = interval(found[0] * found[1], found[1], 3.0)
        if not low - slack_of(arm) <= estimated.error <= high + slack_of(arm):
            return f"labels show an error of {found[0]:.2%}, the confidences expect {estimated.error:.2%}"
    return _outside(arm)


def _outside(arm: ArmWindow) -> str | None:
    if arm.reference is None:
        return None
    current = histograms_of(arm.sums, arm.reference.features, "drift")
    present = current.rows - current.missing
    for name, outside, rows in zip(current.binning.names, current.outside.sum(axis=1), present, strict=True):
        if rows >= FEWEST and outside > MOST_OUTSIDE * rows:
            return f"{outside / rows:.0%} of the values of {name} lie beyond those of training"
    return None


def _observed(window: JudgedWindow, arm: ArmWindow) -> Observation:
    series = window.series("", arm)
    found = estimate_of(arm)
    if found is None or found.rows < FEWEST:
        why = too_few(0 if found is None else found.rows, FEWEST, "predictions")
        return Observation.silent(_NAME, why, series, arm=arm.arm)
    more: dict[str, Any] = {
        "arm": arm.arm,
        "observed": found.error,
        "low": found.low,
        "high": found.high,
        "unit": "share",
        "decisions": found.rows,
        "detail": {"auc": auc_of(arm)},
    }
    why_not = doubts(window, arm, found)
    if why_not is not None:
        return Observation.silent(_NAME, why_not, series, **more)
    expected = _expected(arm)
    if expected is None:
        return Observation.silent(_NAME, "the model has no held-out scores", series, **more)
    p_value = _p_value(arm, found, expected)
    return Observation(
        monitor=_NAME,
        series=series,
        state=MonitorState.WARNING if p_value <= window.level / len(window.arms) else MonitorState.GOOD,
        message=f"{found.error:.2%} of the predictions are expected to be wrong, {expected:.2%} were on the held-out data",
        expected=expected,
        false_alarm=p_value,
        since=window.since,
        **more,
    )


def _expected(arm: ArmWindow) -> float | None:
    if arm.reference is None:
        return None
    scores = arm.reference.manifest.profile.scores
    return reference_error(scores.edges, scores.counts, binary=arm.reference.manifest.signature.positive is not None)


def _p_value(arm: ArmWindow, found: LabelFreeEstimate, expected: float) -> float:
    """Both must reject: the held-out data with its sampling error, and the first windows with their natural variance."""
    first = [one for one in map(_certainty, arm.first) if one is not None]
    if len(first) < FEWEST_WINDOWS or arm.reference is None:
        return 1.0
    test = beside(found.error * found.rows, found.rows, [(e.error * e.rows, e.rows) for e in first], side=1)
    rows = sum(arm.reference.manifest.profile.scores.counts)
    spread = sqrt(expected * (1 - expected) * (1 / found.rows + 1 / max(rows, 1)))
    from scipy.special import ndtr

    beyond = float(ndtr(-(found.error - expected) / spread)) if spread else 1.0
    return max(test.p_value, beyond)


def _certainty(sums: dict[str, Any]) -> LabelFreeEstimate | None:
    found = estimate(sums.get("certainty", {}))
    return found if found is not None and found.rows >= FEWEST else None
