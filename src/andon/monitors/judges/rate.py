"""A share in the window compared with that in the first windows, as an observation."""

from collections.abc import Mapping, Sequence
from typing import Any

from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.windows import FEWEST, ArmWindow, JudgedWindow, too_few
from andon.statistics.dispersion import LEAST as FEWEST_WINDOWS
from andon.statistics.intervals import wilson
from andon.statistics.proportions import Proportion, ShareComparison, compare_shares


def judge_rate(
    window: JudgedWindow,
    arm: ArmWindow | None,
    series: tuple[str, str],
    what: str,
    now: tuple[float, float],
    earlier: Sequence[tuple[float, float]],
    *,
    side: int,
    level: float,
    of: str = "decisions",
    fewest: int = FEWEST,
    breach: MonitorState = MonitorState.WARNING,
    detail: Mapping[str, Any] | None = None,
) -> Observation:
    """Compare a count out of a total with the same in earlier windows, of an arm or, without one, of all labels.

    `series` is its monitor and name; `side` is 1 for higher, -1 for lower, 0 for either.
    """
    (monitor, name), (count, among), arm_name = series, now, "" if arm is None else arm.arm
    enough = [(k, n) for k, n in earlier if n >= fewest]
    why = None
    if among < fewest:
        why = too_few(int(among), fewest, of)
    elif len(enough) < FEWEST_WINDOWS:
        why = too_few(len(enough), FEWEST_WINDOWS, "first windows to compare with")
    if why is not None:
        share = count / among if among else None
        return Observation.silent(monitor, why, name, arm=arm_name, observed=share, unit="share", decisions=int(among))
    current = Proportion(round(count), round(among))
    change = compare_shares([Proportion(round(k), round(n)) for k, n in enough], current)
    p_value = _one_sided(change, side)
    changed = p_value <= level
    pooled = round(sum(k for k, _ in enough)), round(sum(n for _, n in enough))
    return Observation(
        monitor=monitor,
        series=name,
        arm=arm_name,
        state=breach if changed else MonitorState.GOOD,
        message=f"{what} is {change.observed:.2%}, {change.expected:.2%} at first",
        observed=change.observed,
        expected=change.expected,
        low=change.low,
        high=change.high,
        unit="share",
        false_alarm=p_value,
        decisions=current.all,
        since=window.labels_since if arm is None else window.since,
        detail={"usual": wilson(*pooled), "dispersion": change.dispersion, **(detail or {})},
        provisional=changed and arm is not None and arm.early,
    )


def _one_sided(change: ShareComparison, side: int) -> float:
    """Return the p-value of a change to the side that matters."""
    if side == 0:
        return change.p_value
    return change.p_value / 2 if (change.observed - change.expected) * side > 0 else 1.0
