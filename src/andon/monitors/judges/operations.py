"""The operation of an arm compared with its own first windows: automatic share, errors, latency, cost."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges.rate import judge_rate
from andon.monitors.judges.windows import FIRST_PERIOD, ArmWindow, JudgedWindow, too_few
from andon.monitors.sums import added, column, milliseconds, quantile, slower, total
from andon.spending import Spend, digits
from andon.statistics.dispersion import LEAST as FEWEST_WINDOWS
from andon.statistics.means import Moments, compare_means

SLOW = 0.99
"""The share of the first windows' decisions that is not slow."""

_COST_VARIES = 0.1
"""The relative rise in the cost of a decision that is no breach, however little the cost varied."""

_DECISIONS_A_DAY = 200


def judge_automatic_share(window: JudgedWindow) -> list[Observation]:
    """Compare the share of decisions without a review."""
    return [
        judge_rate(
            window,
            arm,
            ("automatic-share", ""),
            "the automatic share",
            (arm.sums.get("automatic", 0), arm.decisions),
            _pairs(arm, "automatic"),
            side=0,
            level=window.arm_level,
        )
        for arm in window.arms
    ]


def judge_errors(window: JudgedWindow) -> list[Observation]:
    """Compare the share of failed decisions, and the shares of decisions answered by a fallback, by reason."""
    found = []
    for arm in window.arms:
        known = {*arm.sums.get("errors", {}), *(name for one in arm.first for name in one.get("errors", {}))}
        known |= {series for monitor, series, of, _ in window.breaches if (monitor, of) == ("errors", arm.arm)}
        classes = sorted(known - {""})
        level = window.arm_level / (len(classes) + 1)
        what, now = "the share that could not be decided", (arm.sums.get("failed", 0), arm.decisions)
        earlier = _pairs(arm, "failed")
        critical = MonitorState.CRITICAL
        found.append(judge_rate(window, arm, ("errors", ""), what, now, earlier, side=1, level=level, breach=critical))
        for name in classes:
            what, now = f"the share with {name}", (arm.sums.get("errors", {}).get(name, 0), arm.seen)
            earlier = list(zip(column(arm.first, "errors", name), column(arm.first, "seen"), strict=True))
            found.append(judge_rate(window, arm, ("errors", name), what, now, earlier, side=1, level=level))
    return found


def judge_latency(window: JudgedWindow) -> list[Observation]:
    """Compare the share of decisions slower than 99% of the arm's first ones."""
    return [_latency(window, arm) for arm in window.arms]


def judge_cost(window: JudgedWindow) -> list[Observation]:
    """Compare the cost of a decision on the last whole day with that on the automation's first days."""
    per_day: dict[str, dict[date, Spend]] = defaultdict(dict)
    for one in window.spend:
        days = per_day[one.currency]
        days[one.day] = one if one.day not in days else _joined(days[one.day], one)
    if not per_day:
        return [Observation.silent("cost", "no spending was recorded")]
    return [_cost(window, currency, days, len(per_day)) for currency, days in sorted(per_day.items())]


def _latency(window: JudgedWindow, arm: ArmWindow) -> Observation:
    bands = arm.sums.get("bands", {})
    before = total([one.get("bands", {}) for one in arm.first])
    usual, now = quantile(before, SLOW), quantile(bands, SLOW)
    if usual is None:
        why = too_few(0, FEWEST_WINDOWS, "first windows to compare with")
        return Observation.silent("latency", why, arm=arm.arm, decisions=arm.decisions)
    shown = None if now is None else milliseconds(now)
    return judge_rate(
        window,
        arm,
        ("latency", ""),
        f"the share slower than {milliseconds(usual):.3g} ms",
        (slower(bands, usual), arm.decisions),
        [(slower(w.get("bands", {}), usual), w.get("decisions", 0)) for w in arm.first],
        side=1,
        level=window.arm_level,
        detail={"p99_ms": shown, "usual_p99_ms": milliseconds(usual)},
    )


def _cost(window: JudgedWindow, currency: str, days: dict[date, Spend], currencies: int) -> Observation:
    ended = {day: one for day, one in days.items() if day < window.until.date() and one.decisions >= _DECISIONS_A_DAY}
    series = currency
    if not ended:
        return Observation.silent("cost", too_few(0, _DECISIONS_A_DAY, "decisions on a whole day"), series)
    last = max(ended)
    first = [_each(one) for day, one in sorted(ended.items()) if day != last][:FIRST_PERIOD]
    value = _each(ended[last])
    change = compare_means([Moments(1, one) for one in first], Moments(1, value))
    if change is None:
        why = too_few(len(first), FEWEST_WINDOWS, "first days to compare with")
        return Observation.silent("cost", why, series, observed=value, unit=currency, decisions=ended[last].decisions)
    higher = value > change.expected * (1 + _COST_VARIES)
    changed = higher and change.p_value / 2 <= window.level / currencies
    return Observation(
        monitor="cost",
        series=series,
        state=MonitorState.WARNING if changed else MonitorState.GOOD,
        message=f"a decision costs {value:.3g} {currency}, {change.expected:.3g} {currency} on the first days",
        observed=value,
        expected=change.expected,
        unit=currency,
        false_alarm=change.p_value / 2 if higher else 1.0,
        decisions=ended[last].decisions,
        since=window.since,
        detail={"day": last.isoformat(), "spent": digits(ended[last].cost), "usual": [change.low, change.high]},
    )


def _each(one: Spend) -> float:
    return one.cost / one.decisions / 1e9


def _joined(one: Spend, other: Spend) -> Spend:
    sums = added(
        {"decisions": one.decisions, "cpu_us": one.cpu_us, "gpu_us": one.gpu_us, "cost": one.cost},
        {"decisions": other.decisions, "cpu_us": other.cpu_us, "gpu_us": other.gpu_us, "cost": other.cost},
    )
    return Spend(one.day, one.automation, 0, one.currency, **sums)


def _pairs(arm: ArmWindow, name: str) -> Sequence[tuple[float, float]]:
    return list(zip(column(arm.first, name), column(arm.first, "decisions"), strict=True))
