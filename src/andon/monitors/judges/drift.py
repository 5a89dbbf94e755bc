"""Drift of features and of scores: a window's histograms beside the reference, and shares of predicted classes."""

from typing import Any

from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.rate import judge_rate
from andon.monitors.judges.windows import FEWEST, ArmWindow, JudgedWindow, too_few
from andon.monitors.sums import Sums
from andon.statistics.histograms import Histograms
from andon.statistics.shifts import FeatureShift, compare

CLASSES_PART = 0.05
"""The part of the false alarms of drift that shares of predicted classes have; detectors have the rest."""


def judge_features(window: JudgedWindow) -> list[Observation]:
    """Show the features of each arm beside its model's training data."""
    return [one for arm in window.arms for one in _judged(window, arm, "drift")]


def judge_scores(window: JudgedWindow) -> list[Observation]:
    """Show each arm's scores beside the held-out ones, and compare predicted classes with the first windows."""
    found = [one for arm in window.arms for one in _judged(window, arm, "prediction-drift")]
    return [*found, *(one for arm in window.arms for one in _predicted(window, arm))]


def _judged(window: JudgedWindow, arm: ArmWindow, monitor: str) -> list[Observation]:
    """Show each feature of an arm. Detectors find changes; a window only shows that one is over."""
    if arm.reference is None:
        message = f"model {arm.model} version {arm.version} has no reference profile"
        return [Observation.silent(monitor, message, arm=arm.arm)]
    reference = arm.reference.features if monitor == "drift" else arm.reference.scores
    if not reference.binning.features:
        return [Observation.silent(monitor, "the model has no features to compare", arm=arm.arm)]
    current = histograms_of(arm.sums, reference, monitor)
    return [
        _observed(window, arm, monitor, shift, detail_of(reference, current, at))
        for at, shift in enumerate(compare(reference, current).shifts())
        if shift.name not in window.watched.monitors.ignore
    ]


def histograms_of(sums: Sums, reference: Histograms, monitor: str) -> Histograms:
    """Return the histograms of a window in the bins of a reference; empty where it has none."""
    names = reference.binning.names
    kept: dict[str, list[int]] = sums.get("features", {}) if monitor == "drift" else {"score": sums.get("scores", [])}
    if not all(kept.get(name) for name in names):
        return reference.binning.empty()
    return Histograms.from_json(reference.binning, [kept[name] for name in names])


def detail_of(reference: Histograms, current: Histograms, at: int) -> dict[str, Any]:
    """Return both histograms of a feature for a page: labels of the cells, and the counts of each side."""
    return {
        "labels": [*reference.binning.features[at].labels, "missing", "infinite"],
        "reference": reference.to_json()[at],
        "current": current.to_json()[at],
    }


def _observed(
    window: JudgedWindow, arm: ArmWindow, monitor: str, shift: FeatureShift, detail: dict[str, Any]
) -> Observation:
    key = monitor, shift.name, arm.arm, "{}"
    more: dict[str, Any] = {"arm": arm.arm, "decisions": shift.rows, "detail": {**detail, "tests": dict(shift.tests)}}
    if shift.rows < FEWEST:
        return Observation.silent(monitor, too_few(shift.rows, FEWEST, "decisions"), shift.name, **more)
    filling = window.filling(None if monitor == "prediction-drift" else shift.name)
    if filling is not None:
        return Observation.silent(monitor, filling, shift.name, **more)
    if not sum(detail["reference"]):
        return Observation.silent(monitor, "training had no value of it", shift.name, **more)
    breach = window.breaches.get(key)
    if breach is not None and str(breach.figures.get("found_at", "")) > window.since.isoformat():
        message = "a change was found within this window; the next one shows whether it lasts"
        return Observation.silent(monitor, message, shift.name, **more, **_before(breach))
    lasts = breach is not None and shift.p_value <= window.level
    state = breach.state if breach is not None and lasts else MonitorState.GOOD
    return Observation(
        monitor=monitor,
        series=shift.name,
        state=state,
        message=f"{shift.name} still differs from training" if lasts else f"{shift.name}: no change was found",
        observed=shift.effect,
        expected=0.0,
        unit="standard deviations",
        false_alarm=min(shift.p_value, 1.0),
        since=window.since,
        provisional=breach is not None and breach.provisional,
        **more,
    )


def _predicted(window: JudgedWindow, arm: ArmWindow) -> list[Observation]:
    """Compare the share of each predicted class with that in the arm's first windows."""
    counts = arm.sums.get("labels", {})
    classes = arm.reference.manifest.signature.classes if arm.reference is not None else tuple(sorted(counts))
    return [
        judge_rate(
            window,
            arm,
            ("prediction-drift", f"class {name}"),
            f"the share predicted as {name}",
            (counts.get(name, 0), sum(counts.values())),
            [(one.get("labels", {}).get(name, 0), sum(one.get("labels", {}).values())) for one in arm.first],
            side=0,
            level=window.level * CLASSES_PART / len(classes),
            of="predictions",
        )
        for name in classes
    ]


def _before(breach: Any) -> dict[str, Any]:
    kept = breach.figures
    return {name: kept.get(name) for name in ("observed", "expected", "unit", "false_alarm")}
