"""Trends: the values of each monitor in one window, for plots. Pure."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from andon.monitors.judges.drift import histograms_of
from andon.monitors.judges.expectation import error_of, estimates_of
from andon.monitors.judges.operations import SLOW
from andon.monitors.judges.truth import stratified_error, weighted_error
from andon.monitors.judges.windows import ArmWindow
from andon.monitors.labelled import labelled_scores
from andon.monitors.sums import Sums, milliseconds, quantile, shares
from andon.statistics.calibration_test import check_calibration
from andon.statistics.two_samples import mean_shift, variation

Values: TypeAlias = dict[str, float]


def values_of(monitor: str, window: ArmWindow, labels: Sums) -> Values:
    """Return the values of a monitor in a window of one arm; empty where it has nothing to show."""
    found = _OF[monitor](window, labels)
    return {name: float(value) for name, value in found.items() if value is not None}


def _drift(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    """Return shifts: for numbers in standard deviations, for categories the share of values that would have to move."""
    del labels
    if window.reference is None:
        return {}
    reference = window.reference.features
    return _shifts(window, "drift") if reference.binning.features else {}


def _predictions(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    del labels
    counts = window.sums.get("labels", {})
    classes = {f"class {name}": share for name, share in shares(counts, sum(counts.values())).items()}
    return {**(_shifts(window, "prediction-drift") if window.reference is not None else {}), **classes}


def _shifts(window: ArmWindow, monitor: str) -> Values:
    if window.reference is None:
        return {}
    reference = window.reference.features if monitor == "drift" else window.reference.scores
    current = histograms_of(window.sums, reference, monitor)
    if not current.rows.max(initial=0):
        return {}
    shifted, changed = mean_shift(reference, current).effects, variation(reference, current)
    ordered = reference.binning.ordered
    return {name: float(shifted[at] if ordered[at] else changed[at]) for at, name in enumerate(reference.binning.names)}


def _label_drift(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    del window
    classes = labels.get("classes", {})
    return shares(classes, sum(classes.values()))


def _calibration(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    """Return the mean distance between scores and shares that came true, and its signed mean."""
    del window
    check = check_calibration(labelled_scores(labels))
    return {"error": check.error, "gap": check.gap} if check.rows else {}


def _performance(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    found: dict[str, float | None] = {}
    for name in ("automatic", "reviewed"):
        error, worth = weighted_error(labels.get(name, {}))
        if worth:
            found[name] = error
    share = window.sums.get("automatic", 0) / window.decisions if window.decisions else 0.0
    whole = stratified_error(labels, share)
    return found if whole is None else {**found, "all": whole[0]}


def _label_free(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    """Return the expected error with its interval and the other figures, with the error by labels."""
    found = estimates_of(window, labels)
    if found is None or not found.estimates:
        return {}
    error = error_of(found)
    figures = {name: one.value for name, one in found.estimates.items() if name != "accuracy"}
    truth = _performance(window, labels).get("all")
    return {"error": error.value, "low": error.low, "high": error.high, **figures, "error by labels": truth}


def _fairness(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    found: dict[str, float | None] = {}
    for field, groups in window.sums.get("groups", {}).items():
        for name, own in groups.items():
            count = own["decisions"]
            found[f"{field}={name} automatic"] = own["automatic"] / count if count else None
            for outcome, share in shares(own["outcomes"], count).items():
                found[f"{field}={name} outcome {outcome}"] = share
    for field, groups in labels.get("groups", {}).items():
        for name, own in groups.items():
            found[f"{field}={name} error"] = own["wrong"] / own["rows"]
    return found


def _latency(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    del labels
    bands = window.sums.get("bands", {})
    found = {f"p{int(share * 100)}": quantile(bands, share) for share in (0.5, 0.95, SLOW)}
    return {name: None if band is None else milliseconds(band) for name, band in found.items()}


def _errors(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    del labels
    failed = window.sums.get("failed", 0) / window.decisions if window.decisions else None
    return {"failed": failed, **shares(window.sums.get("errors", {}), window.seen)}


def _automatic_share(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    del labels
    return {"automatic": window.sums.get("automatic", 0) / window.decisions} if window.decisions else {}


def _override(window: ArmWindow, labels: Sums) -> Mapping[str, float | None]:
    del window
    kinds = {"reviewer": labels.get("reviewers", {}), "rule": labels.get("rules", {})}
    return {f"{kind} {name}": own["wrong"] / own["rows"] for kind, some in kinds.items() for name, own in some.items()}


_OF: Mapping[str, Callable[[ArmWindow, Sums], Mapping[str, float | None]]] = {
    "drift": _drift,
    "prediction-drift": _predictions,
    "label-drift": _label_drift,
    "calibration": _calibration,
    "performance": _performance,
    "label-free": _label_free,
    "fairness": _fairness,
    "latency": _latency,
    "errors": _errors,
    "automatic-share": _automatic_share,
    "override": _override,
}

ELSEWHERE = ("service-level", "cost")
"""Monitors whose trend does not come from windows of arms."""
