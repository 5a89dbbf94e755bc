"""Performance without labels: the error that the model's own scores imply, as long as they can be trusted."""

from collections.abc import Mapping
from typing import Any

from andon.models import measured_scores
from andon.monitors.domain import Observation
from andon.monitors.judges.drift import histograms_of
from andon.monitors.judges.rate import judge_rate
from andon.monitors.judges.truth import slack_of, stratified_error
from andon.monitors.judges.windows import FEWEST, ArmWindow, JudgedWindow, too_few
from andon.monitors.labelled import labelled_scores
from andon.monitors.sums import Sums
from andon.statistics.calibration_test import check_calibration
from andon.statistics.intervals import wilson
from andon.statistics.label_free import LabelFree, LabelFreeEstimate, estimate
from andon.statistics.scores import LabelledScores, ScoreSums

MOST_OUTSIDE = 0.05
"""The share of values outside the training range above which the model's scores are not trusted."""

_SURE = 0.9973
"""The confidence of the interval of labels that an estimate must lie in, three standard deviations of each side."""

_NAME = "label-free"


def judge_label_free(window: JudgedWindow) -> list[Observation]:
    """Estimate the error of each arm from its scores, and compare it with that of the arm's first windows."""
    return [_observed(window, arm) for arm in window.arms]


def estimates_of(arm: ArmWindow, labels: Sums) -> LabelFree | None:
    """Estimate accuracy, precision, recall and AUC of an arm's decisions in the window; None without a reference."""
    return None if arm.reference is None else _estimated(arm, arm.sums, labels)


def doubts(window: JudgedWindow, arm: ArmWindow, error: LabelFreeEstimate) -> str | None:
    """Return why the scores of an arm cannot be trusted; None if nothing speaks against them."""
    if ("calibration", "", arm.arm, "{}") in window.breaches:
        return "labels show that the scores are not calibrated"
    share = arm.sums.get("automatic", 0) / arm.decisions if arm.decisions else 0.0
    found = stratified_error(window.labels.get(arm.arm, {}), share)
    if found is not None:
        low, high = wilson(found[0] * found[1], found[1], _SURE)
        if error.high < low - slack_of(arm) or error.low > high + slack_of(arm):
            return f"labels show an error of {found[0]:.2%}, the scores expect {error.value:.2%}"
    return _outside(arm)


def _outside(arm: ArmWindow) -> str | None:
    if arm.reference is None or not arm.reference.specs:
        return None
    current = histograms_of(arm.sums, arm.reference.features, "drift")
    present = current.rows - current.missing
    for name, outside, rows in zip(current.binning.names, current.outside.sum(axis=1), present, strict=True):
        if rows >= FEWEST and outside > MOST_OUTSIDE * rows:
            return f"{outside / rows:.0%} of the values of {name} lie beyond those of training"
    return None


def _observed(window: JudgedWindow, arm: ArmWindow) -> Observation:
    found = estimates_of(arm, window.labels.get(arm.arm, {}))
    if found is None:
        return Observation.silent(_NAME, "the model version has no reference profile", arm=arm.arm)
    if found.rows < FEWEST:
        return Observation.silent(_NAME, too_few(found.rows, FEWEST, "predictions"), arm=arm.arm)
    if found.silent:
        return Observation.silent(_NAME, "; ".join(found.silent), arm=arm.arm, decisions=found.rows)
    error = error_of(found)
    figures = {name: [one.value, one.low, one.high] for name, one in found.estimates.items()}
    more: dict[str, Any] = {"low": error.low, "high": error.high, "detail": {"estimates": figures}}
    why_not = doubts(window, arm, error)
    if why_not is not None:
        return Observation.silent(
            _NAME, why_not, arm=arm.arm, observed=error.value, unit="share", decisions=found.rows, **more
        )
    return judge_rate(
        window,
        arm,
        (_NAME, ""),
        "the share of predictions expected to be wrong",
        (error.value * found.rows, found.rows),
        [pair for one in arm.first if (pair := _expected(arm, one)) is not None],
        side=1,
        level=window.arm_level,
        of="predictions",
        detail={"estimates": figures, "interval": [error.low, error.high]},
    )


def error_of(found: LabelFree) -> LabelFreeEstimate:
    """Return the error that corresponds to an estimated accuracy."""
    accuracy = found.estimates["accuracy"]
    return LabelFreeEstimate(1 - accuracy.value, 1 - accuracy.high, 1 - accuracy.low)


def _expected(arm: ArmWindow, sums: Sums) -> tuple[float, float] | None:
    """Return the number of errors expected in an earlier window, and that of its predictions."""
    found = _estimated(arm, sums, {})
    return None if not found.estimates else (error_of(found).value * found.rows, found.rows)


def _estimated(arm: ArmWindow, sums: Mapping[str, Any], labels: Sums) -> LabelFree:
    measured = LabelledScores.none() if arm.reference is None else measured_scores(arm.reference.manifest.metrics)
    kept = sums.get("certainty")
    scores = ScoreSums.none() if kept is None else ScoreSums.from_json(kept)
    checked = check_calibration(labelled_scores(labels)) if labels.get("scores") else None
    return estimate(scores, measured, checked)
