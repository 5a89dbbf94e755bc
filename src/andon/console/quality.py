"""The quality of one line: state, risk curve, calibration, estimates against labels, drift by feature, measures."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from andon import decisions, monitors, proofs, quality
from andon.access import Permission
from andon.console.dependencies import Db, Here, Signed
from andon.console.risk import columns_of
from andon.decisions import AutomationNotFound
from andon.kernel.db import Tx
from andon.kernel.errors import NotFound
from andon.monitors import MonitorState, SeriesStatus, TrendPoint
from andon.quality import LineQuality

router = APIRouter()

DAY = timedelta(days=1)


@router.get("/lines/{name}/quality")
def show(here: Here, visitor: Signed, tx: Db, name: str) -> Response:
    """Show the quality of a line."""
    visitor.scopes(Permission.READ_AUTOMATIONS)
    if not visitor.may(Permission.READ_AUTOMATIONS, name):
        raise AutomationNotFound(f"No automation {name!r} was ever deployed here")
    now = here.clock.now()
    found = quality.line_quality(tx, name, now)
    deployed = decisions.newest_version(tx, name)
    curve = _curve(tx, found)
    points = monitors.trend(tx, name, "label-free", now=now, by=DAY if _is_old(found) else timedelta(hours=1))
    return here.pages.html(
        "quality.html",
        visitor=visitor,
        section="/",
        name=name,
        deployed=deployed,
        quality=found,
        curve=curve,
        risk=None if curve is None else columns_of(curve),
        calibration=_calibration(_series(found, "calibration")),
        estimate=_estimate(points),
        drift=[one for one in _series(found, "drift") if one.series],
    )


def _curve(tx: Tx, found: LineQuality) -> proofs.RiskCurve | None:
    if not found.gates:
        return None
    try:
        return proofs.curve(tx, found.automation, now=found.at)
    except NotFound:
        return None


def _series(found: LineQuality, monitor: str) -> Sequence[SeriesStatus]:
    return next((one.series for one in found.monitors if one.monitor == monitor), ())


def _is_old(found: LineQuality) -> bool:
    """Return whether the line was watched for days, so that a plot by the hour would be unreadable."""
    judged = [one.since for one in _series(found, "label-free") if one.state is not MonitorState.SILENT]
    return bool(judged) and found.at - min(judged) > 3 * DAY


def _calibration(series: Sequence[SeriesStatus]) -> dict[str, list[float]] | None:
    """Return the points of the reliability diagram: confidence against the share that was right.

    None without labels.
    """
    for one in series:
        bins = one.detail.get("bins")
        if bins:
            return {"x": [score for score, *_ in bins], "y": [share for _, share, *_ in bins]}
    return None


def _estimate(points: Sequence[TrendPoint]) -> dict[str, list[float | None]] | None:
    """Return the estimated error with its interval, and the error by labels, in percent; None below two windows."""
    known = [one for one in points if "error" in one.values]
    if len(known) < 2:
        return None

    def column(name: str) -> list[float | None]:
        return [None if (value := one.values.get(name)) is None else 100 * value for one in known]

    at: list[float | None] = [one.starts_at.timestamp() for one in known]
    names = {"error": "error", "low": "low", "high": "high", "truth": "error by labels"}
    return {"at": at, **{kind: column(name) for kind, name in names.items()}}
