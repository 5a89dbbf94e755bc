"""Drift of features and of scores: the window's histograms compared with the model version's reference."""

from collections.abc import Sequence
from typing import Any

from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.rate import JudgedRate
from andon.monitors.judges.windows import FEWEST, ArmWindow, JudgedWindow, too_few
from andon.monitors.sums import Sums
from andon.statistics.dispersion import Dispersion
from andon.statistics.histograms import Histograms
from andon.statistics.levels import WINDOWS_PART
from andon.statistics.shifts import FeatureShift, compare

_PARTS = {"drift": WINDOWS_PART, "prediction-drift": WINDOWS_PART / 2}
"""The share of a family's false alarms for histograms of windows.

Detectors have most of the false alarms, predicted classes the rest.
"""

_CLASSES_PART = WINDOWS_PART / 2

_MEANING = {
    "mean": "its values lie {way} than in training, by {effect:.2f} standard deviations",
    "spread": "its values are spread differently than in training",
    "missing": "it is missing in a different share of the decisions than in training",
    "outside": "values lie beyond those of training, or are unknown to the model",
    "tails": "extreme values have a different share than in training",
}


def judge_features(window: JudgedWindow) -> list[Observation]:
    """Compare the features of each arm with its model's training data."""
    return [one for arm in window.arms for one in _judged(window, arm, "drift")]


def judge_scores(window: JudgedWindow) -> list[Observation]:
    """Compare each arm's scores with the held-out ones, and predicted classes with those of the first windows."""
    found = [one for arm in window.arms for one in _judged(window, arm, "prediction-drift")]
    return [*found, *(one for arm in window.arms for one in _predicted(window, arm))]


def _judged(window: JudgedWindow, arm: ArmWindow, monitor: str) -> list[Observation]:
    series = window.series("", arm)
    if arm.reference is None:
        message = f"model {arm.model} version {arm.version} has no reference profile"
        return [Observation.silent(monitor, message, series, arm=arm.arm)]
    reference = arm.reference.features if monitor == "drift" else arm.reference.scores
    current = histograms_of(arm.sums, reference, monitor)
    if not reference.binning.features:
        return [Observation.silent(monitor, "the model has no features to compare", series, arm=arm.arm)]
    first = [histograms_of(one, reference, monitor) for one in arm.first]
    dispersion = _dispersion(reference, first)
    ignored = window.watched.monitors.ignore
    level = window.level * _PARTS[monitor]
    comparison = compare(reference, current, dispersion)
    found = []
    for at, shift in enumerate(comparison.shifts()):
        if shift.name not in ignored:
            name = window.series(shift.name, arm)
            detail = detail_of(reference, current, at)
            found.append(_observed(window, arm, (monitor, name), shift, level, detail))
    return found


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
    window: JudgedWindow,
    arm: ArmWindow,
    key: tuple[str, str],
    shift: FeatureShift,
    level: float,
    detail: dict[str, Any],
) -> Observation:
    monitor, series = key
    known = sum(detail["reference"])
    more: dict[str, Any] = {"arm": arm.arm, "decisions": shift.rows, "detail": {**detail, "tests": dict(shift.tests)}}
    if shift.rows < FEWEST:
        return Observation.silent(monitor, too_few(shift.rows, FEWEST, "decisions"), series, **more)
    filling = window.filling(None if monitor == "prediction-drift" else shift.name)
    if filling is not None:
        return Observation.silent(monitor, filling, series, **more)
    if not known:
        return Observation.silent(monitor, "training had no value of it", series, **more)
    breach = window.breaches.get((monitor, series, "{}"))
    if breach is not None and str(breach.figures.get("found_at", "")) > window.since.isoformat():
        message = "a change was found within this window; the next one shows whether it lasts"
        return Observation.silent(monitor, message, series, **more, **_before(breach))
    drifted = shift.p_value <= level
    way = "higher" if shift.effect > 0 else "lower"
    meaning = _MEANING[shift.test].format(way=way, effect=abs(shift.effect))
    return Observation(
        monitor=monitor,
        series=series,
        state=MonitorState.WARNING if drifted else MonitorState.GOOD,
        message=f"{series}: {meaning}" if drifted else f"{series} is as in training",
        observed=shift.effect,
        expected=0.0,
        unit="standard deviations",
        false_alarm=min(shift.p_value, 1.0),
        since=window.since,
        **more,
    )


def _predicted(window: JudgedWindow, arm: ArmWindow) -> list[Observation]:
    """Compare the share of each predicted class with that in the arm's first windows."""
    counts = arm.sums.get("labels", {})
    classes = arm.reference.manifest.signature.classes if arm.reference is not None else tuple(sorted(counts))
    found = []
    for name in classes:
        rate = JudgedRate(
            monitor="prediction-drift",
            series=window.series(f"class {name}", arm),
            arm=arm.arm,
            count=counts.get(name, 0),
            among=sum(counts.values()),
            earlier=[(one.get("labels", {}).get(name, 0), sum(one.get("labels", {}).values())) for one in arm.first],
            side=0,
            level=window.level * _CLASSES_PART / len(classes),
            what=f"the share predicted as {name}",
            of="predictions",
        )
        found.append(rate.observed(window.since))
    return found


def _dispersion(reference: Histograms, first: Sequence[Histograms]) -> Dispersion:
    """Estimate the natural variance of the first windows around their pool, apart from their distance to training."""
    used = [one for one in first if one.rows.max(initial=0) >= FEWEST]
    if not used:
        return Dispersion.none(len(reference.binning.features))
    pooled = used[0]
    for one in used[1:]:
        pooled = pooled + one
    return Dispersion.of(pooled, used)


def _before(breach: Any) -> dict[str, Any]:
    kept = breach.figures
    return {name: kept.get(name) for name in ("observed", "expected", "unit", "false_alarm")}
