"""Judges of labels: performance, calibration, drift of classes, and disagreement of reviewers."""

from collections.abc import Mapping
from typing import Any

from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.rate import judge_rate
from andon.monitors.judges.windows import FEWEST_LABELS, ArmWindow, JudgedWindow, too_few
from andon.monitors.labelled import labelled_scores
from andon.monitors.sums import Sums, column
from andon.statistics.calibration_test import check_calibration
from andon.statistics.intervals import Stratum, stratified_share, wilson
from andon.statistics.proportions import upper_tail

FEWEST_IN_STRATUM = 20
"""The fewest labels of automatic decisions, or of reviewed ones, for their error to be known."""

_SLACK = 0.02
"""The allowed miscalibration of a model whose held-out data does not show its calibration."""


def judge_performance(window: JudgedWindow) -> list[Observation]:
    """Judge the error of predictions by labels: for automatic decisions, and for all by their strata."""
    found = []
    for arm in window.arms:
        labels = window.labels.get(arm.arm, {})
        level = window.level / (2 * len(window.arms))
        found.append(_automatic(window, arm, labels, level))
        found.append(_all(window, arm, labels, level))
    return found


def judge_calibration(window: JudgedWindow) -> list[Observation]:
    """Judge whether predictions come true as often as their scores say."""
    return [_calibration(window, arm, window.labels.get(arm.arm, {})) for arm in window.arms]


def judge_label_drift(window: JudgedWindow) -> list[Observation]:
    """Compare shares of the true classes with the first labels', without reviews, which are not a fair sample."""
    classes = window.all_labels.get("classes", {})
    among = sum(classes.values())
    if not among:
        return [Observation.silent("label-drift", too_few(0, FEWEST_LABELS, "labels from other sources than reviews"))]
    earlier = [one.get("classes", {}) for one in window.first_labels]
    known = sorted({*classes, *(name for one in earlier for name in one)})
    return [
        judge_rate(
            window,
            None,
            ("label-drift", name),
            f"the share of {name} among labels",
            (classes.get(name, 0.0), among),
            [(one.get(name, 0.0), sum(one.values())) for one in earlier],
            side=0,
            level=window.level / len(known),
            of="labels",
            fewest=FEWEST_LABELS,
        )
        for name in known
    ]


def judge_override(window: JudgedWindow) -> list[Observation]:
    """Compare how often each reviewer, and reviewers of each rule, disagree with the prediction."""
    names = [(kind, one) for kind in ("reviewers", "rules") for one in sorted(window.all_labels.get(kind, {}))]
    if not names:
        return [Observation.silent("override", too_few(0, FEWEST_LABELS, "reviews"))]
    return [
        judge_rate(
            window,
            None,
            ("override", f"{kind.removesuffix('s')} {name}"),
            "the share that reviewers decide otherwise than predicted",
            (window.all_labels[kind][name]["wrong"], window.all_labels[kind][name]["rows"]),
            list(zip(*(column(window.first_labels, kind, name, of) for of in ("wrong", "rows")), strict=True)),
            side=0,
            level=window.level / len(names),
            of="reviews",
            fewest=FEWEST_LABELS,
        )
        for kind, name in names
    ]


def weighted_error(stratum: Mapping[str, Any]) -> tuple[float, float]:
    """Return the weighted error of labelled decisions and their effective number (Kish 1965)."""
    weight, squares = float(stratum.get("weight", 0.0)), float(stratum.get("squares", 0.0))
    return (float(stratum["wrong"]) / weight, weight**2 / squares) if weight and squares else (0.0, 0.0)


def stratified_error(labels: Mapping[str, Any], automatic_share: float) -> tuple[float, float] | None:
    """Return the error of all decisions from those of both strata, and its effective number of labels.

    None where a stratum that matters has too few labels.
    """
    strata = []
    for name, share in (("automatic", automatic_share), ("reviewed", 1 - automatic_share)):
        own, worth = weighted_error(labels.get(name, {}))
        if worth < FEWEST_IN_STRATUM:
            if share > 0.01:
                return None
            continue
        strata.append(Stratum(share, own, worth))
    return stratified_share(strata, parts_known=True)


def _automatic(window: JudgedWindow, arm: ArmWindow, labels: Sums, level: float) -> Observation:
    stratum, target = labels.get("automatic", {}), window.watched.target
    rows = int(stratum.get("rows", 0))
    if rows < FEWEST_LABELS:
        why = too_few(rows, FEWEST_LABELS, "labels of automatic decisions")
        return Observation.silent("performance", why, "automatic", arm=arm.arm, decisions=rows)
    expected = stratum["expected"] / stratum["weight"] + slack_of(arm) if target is None else target
    error, worth = weighted_error(stratum)
    return Observation(
        series="automatic",
        arm=arm.arm,
        message=f"{error:.2%} of the automatic decisions are wrong, at most {expected:.2%} are expected",
        expected=expected,
        decisions=rows,
        since=window.labels_since,
        detail={"worth": worth, "target": target},
        **_tested(error, worth, expected, level),
    )


def _all(window: JudgedWindow, arm: ArmWindow, labels: Sums, level: float) -> Observation:
    share = arm.sums.get("automatic", 0) / arm.decisions if arm.decisions else 0.0
    rows = int(labels.get("labelled", 0))
    more: dict[str, Any] = {"arm": arm.arm, "decisions": rows}
    accuracy = None if arm.reference is None else arm.reference.manifest.metrics.estimates.get("accuracy")
    if rows < FEWEST_LABELS:
        return Observation.silent("performance", too_few(rows, FEWEST_LABELS, "labels"), "all", **more)
    if accuracy is None:
        return Observation.silent("performance", "the model has no held-out accuracy", "all", **more)
    found = stratified_error(labels, share)
    if found is None:
        why = "automatic or reviewed decisions have too few labels to represent all"
        return Observation.silent("performance", why, "all", **more)
    error, worth = found
    expected = 1 - accuracy.value
    return Observation(
        series="all",
        message=f"{error:.2%} of the predictions are wrong, {expected:.2%} were on the held-out data",
        expected=expected,
        since=window.labels_since,
        detail={"worth": worth, "automatic_share": share},
        **_tested(error, worth, 1 - accuracy.low, level),
        **more,
    )


def _tested(error: float, worth: float, at_most: float, level: float) -> dict[str, Any]:
    """Return what is observed of an error, and whether it is larger than it may be."""
    low, high = wilson(error * worth, worth)
    p_value = upper_tail(error * worth, worth, min(at_most, 1.0))
    state = MonitorState.CRITICAL if p_value <= level else MonitorState.GOOD
    figures = {"observed": error, "low": low, "high": high, "unit": "share", "false_alarm": p_value}
    return {"monitor": "performance", "state": state, **figures}


def _calibration(window: JudgedWindow, arm: ArmWindow, labels: Sums) -> Observation:
    """Judge the calibration: a breach needs a rejection by labels, and a larger gap than in the held-out data."""
    check = check_calibration(labelled_scores(labels))
    if check.rows < FEWEST_LABELS:
        why = too_few(check.rows, FEWEST_LABELS, "labels")
        return Observation.silent("calibration", why, arm=arm.arm, decisions=check.rows)
    slack = slack_of(arm)
    broken = check.rejected(window.arm_level) and check.error > slack
    bins = [[one.score, one.share, one.low, one.high, one.rows] for one in check.bins]
    return Observation(
        monitor="calibration",
        arm=arm.arm,
        state=MonitorState.WARNING if broken else MonitorState.GOOD,
        message=f"scores are off by {check.error:.2%} on average, {slack:.2%} are accepted",
        observed=check.error,
        expected=slack,
        unit="share",
        false_alarm=check.p_value,
        decisions=check.rows,
        since=window.labels_since,
        detail={"bins": bins, "gap": check.gap, "test": check.test},
    )


def slack_of(arm: ArmWindow) -> float:
    """Return the allowed miscalibration of the model's scores, from its held-out data."""
    estimates = {} if arm.reference is None else arm.reference.manifest.metrics.estimates
    ece = estimates.get("ece")
    return _SLACK if ece is None else max(ece.high, 0.005)
