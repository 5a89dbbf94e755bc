"""Judging: ended windows become observations, and these become states."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from andon import decisions, spending
from andon.evidence import CONSUMER
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.monitors import states
from andon.monitors.detecting import Detecting, Found
from andon.monitors.domain import MonitorState, Observation
from andon.monitors.judges import Judge
from andon.monitors.judges.drift import detail_of, histograms_of, judge_features, judge_scores
from andon.monitors.judges.expectation import judge_label_free
from andon.monitors.judges.fairness import judge_fairness
from andon.monitors.judges.operations import judge_automatic_share, judge_cost, judge_errors, judge_latency
from andon.monitors.judges.service_level import judge_service_level
from andon.monitors.judges.truth import judge_calibration, judge_label_drift, judge_override, judge_performance
from andon.monitors.judges.windows import (
    FIRST_PERIOD,
    HOUR,
    ArmWindow,
    JudgedWindow,
    StandingBreach,
    floor_of,
    in_first_windows,
    in_windows,
    last_end,
    start_of,
)
from andon.monitors.store import detectors as detector_store
from andon.monitors.store import labels as label_store
from andon.monitors.store import states as state_store
from andon.monitors.store import windows as store
from andon.monitors.store.detectors import DetectorKey
from andon.monitors.store.states import StateRow
from andon.monitors.store.windows import StoredWindow
from andon.monitors.sums import Sums, total
from andon.monitors.watching import WatchedAutomation, Watching, apart, truth_of
from andon.spending import Spend
from andon.statistics.burn_rates import SPANS

JUDGES: dict[str, Judge] = {
    "drift": judge_features,
    "prediction-drift": judge_scores,
    "label-drift": judge_label_drift,
    "calibration": judge_calibration,
    "performance": judge_performance,
    "label-free": judge_label_free,
    "fairness": judge_fairness,
    "latency": judge_latency,
    "errors": judge_errors,
    "cost": judge_cost,
    "automatic-share": judge_automatic_share,
    "override": judge_override,
}
"""The judges of an ended window. The service level is judged every minute, by its own spans."""

MEANING = {
    "mean": "is {size:.2f} standard deviations {way} than in",
    "spread": "is spread differently than in",
    "middle": "has other middle values than in",
    "missing": "is missing in a different share of the decisions than in",
    "outside": "lies beyond the values of, or is unknown to,",
    "value": "has other shares of its values than in",
}
"""What a change is, by the test that found it."""

LABELS_BACK = timedelta(days=30)
"""The longest reach of a window's labels, where it has too few of them."""

LABELS_WANTED = 300
"""The number of labels that suffices, so that hours before the window are not read."""

_GRACE = timedelta(seconds=30)
"""The delay after a window's end before it is judged, as decisions in it may still be committing."""

_SETTLES = timedelta(minutes=10)
"""The longest wait for decisions that the feed has not read."""

_COUNTS_HOLD = timedelta(minutes=5)
"""How long counts of a service level are judged: another worker may have had the lease since they were read."""

Hold: TypeAlias = Callable[[Tx, Sequence[str]], None]
"""Takes what the breaches of several automations change, before the first of them is in the audit log."""


class WindowJudge:
    """Judges the automations of an installation, one in each transaction."""

    def __init__(self, watching: Watching, detecting: Detecting, events: Events, hold: Hold) -> None:
        self._watching, self._detecting, self._events, self._hold = watching, detecting, events, hold
        self._began: dict[str, datetime] = {}
        self._levels: dict[str, dict[timedelta, tuple[int, int]]] = {}
        self._levels_end = datetime.min.replace(tzinfo=UTC)

    def next_due(self, tx: Tx, now: datetime) -> tuple[str, datetime] | None:
        """Return an automation with an ended window that was not judged, and the window's end; None if there is none.

        A window waits a while for its decisions that the feed has not read yet.
        """
        judged, oldest = state_store.judged_until(tx), None
        all_ = self._watching.all(tx)
        self._began |= store.first_starts(tx, [name for name in all_ if name not in self._began])
        for name, watched in sorted(all_.items()):
            end = last_end(self._began.get(name), watched.monitors.window, now - _GRACE)
            if name in judged and judged[name] >= end:
                continue
            if now < end + _SETTLES:
                oldest = oldest or dict(decisions.oldest_unread(tx))
                unread = oldest.get(CONSUMER)
                if unread is not None and unread < end:
                    continue
            return name, end
        return None

    def judge(self, tx: Tx, name: str, end: datetime, now: datetime) -> Sequence[Observation]:
        """Judge the window of an automation that ended at `end`, unless it had no decisions."""
        watched = self._watching.one(tx, name)
        state_store.set_judged(tx, name, end)
        with apart(tx, name, "windows"):
            return self._judged(tx, watched, end, now)
        return ()

    def _judged(self, tx: Tx, watched: WatchedAutomation, end: datetime, now: datetime) -> list[Observation]:
        window = self._window(tx, watched, end)
        if not window.arms:
            return []
        observations = [
            one for monitor, judged in JUDGES.items() if monitor not in watched.monitors.off for one in judged(window)
        ]
        detector_store.lock(tx, watched.name)  # as the reader does, whose findings change states
        recovered = states.apply(tx, watched, observations, events=self._events, now=now, monitors=list(JUDGES))
        for one in recovered:
            self._restart(tx, watched, window, one)
        return observations

    def judge_service_level(self, tx: Tx, now: datetime) -> bool:
        """Judge the service level of the next automation that decided within the longest span.

        Return whether others are left: each gets a transaction of its own, as its breach may pull a cord.
        """
        end = floor_of(now, timedelta(minutes=1))
        if not self._levels or end > self._levels_end + _COUNTS_HOLD:
            self._levels, self._levels_end = store.burns(tx, SPANS, end), end
        if self._levels:
            name = next(iter(self._levels))
            counts = self._levels[name] = self._levels.pop(name)  # now the last, until its transaction got through
            watched = self._watching.one(tx, name)
            if "service-level" not in watched.monitors.off:
                with apart(tx, name, "service-level"):
                    observations = judge_service_level(watched.monitors.service, counts, self._levels_end)
                    states.apply(tx, watched, observations, events=self._events, now=now)
            del self._levels[name]
        return bool(self._levels)

    def detected(self, tx: Tx, found: Sequence[Found], now: datetime) -> None:
        """Write changes that detectors found as breaches. What they need of all their automations is taken first."""
        by_automation: dict[str, list[Observation]] = defaultdict(list)
        for one in found:
            watched = self._watching.one(tx, one.key.automation)
            if self._is_filling(tx, watched, one):
                self._detecting.restart(tx, one.key, one.name, watched)
            elif one.name not in watched.monitors.ignore:
                by_automation[watched.name].append(self._observation(tx, one, now))
        names = sorted(by_automation)
        if len(names) > 1:
            for name in names:
                state_store.lock(tx, name)
            self._hold(tx, names)
        for name in names:
            states.apply(tx, self._watching.one(tx, name), by_automation[name], events=self._events, now=now)

    def _is_filling(self, tx: Tx, watched: WatchedAutomation, found: Found) -> bool:
        """Return whether a change began before the windows behind it were full: then their filling is its cause."""
        if not watched.fills:
            return False
        began = store.first_starts(tx, [watched.name]).get(watched.name)
        return began is not None and found.since < watched.full_at(found.name, began)

    def _observation(self, tx: Tx, found: Found, now: datetime) -> Observation:
        one, key = found.finding, found.key
        monitor, name = ("prediction-drift", "score") if found.name is None else ("drift", found.name)
        reference = self._watching.references.of(tx, key.model, key.version)
        hour = floor_of(now, HOUR)
        mine = [w.body for w in store.windows(tx, key.automation, hour - HOUR, now) if w.arm == key.arm]
        detail: dict[str, object] = {"found_at": now.isoformat(), "test": one.test, "statistic": one.z}
        if reference is not None and mine:
            histograms = reference.features if found.name is not None else reference.scores
            current = histograms_of(total(mine), histograms, monitor)
            detail |= detail_of(histograms, current, histograms.binning.names.index(name))
        meaning = MEANING[one.test].format(way="higher" if one.effect > 0 else "lower", size=abs(one.effect))
        doubt = ", or the line has a rhythm that is not known yet" if one.provisional else ""
        return Observation(
            monitor=monitor,
            series=name,
            arm=key.arm,
            state=MonitorState.WARNING,
            message=f"{name} {meaning} training since about {found.since:%Y-%m-%d %H:%M} UTC{doubt}",
            observed=one.effect,
            expected=0.0,
            unit="standard deviations",
            false_alarm=one.false_alarm,
            decisions=one.decisions,
            since=found.since,
            detail=detail,
            provisional=one.provisional,
        )

    def _restart(self, tx: Tx, watched: WatchedAutomation, window: JudgedWindow, one: Observation) -> None:
        """Let a detector look for the next change of a series that is as expected again."""
        arm = next((arm for arm in window.arms if arm.arm == one.arm), None)
        if arm is not None and (one.monitor == "drift" or (one.monitor, one.series) == ("prediction-drift", "score")):
            key = DetectorKey(watched.name, arm.arm, arm.model, arm.version)
            self._detecting.restart(tx, key, one.series if one.monitor == "drift" else None, watched)

    def _window(self, tx: Tx, watched: WatchedAutomation, end: datetime) -> JudgedWindow:
        since = start_of(self._began.get(watched.name), watched.monitors.window, end)
        by_arm: dict[str, list[StoredWindow]] = defaultdict(list)
        for one in store.windows(tx, watched.name, since, end):
            by_arm[one.arm].append(one)
        first = _first(tx, watched, list(by_arm), since)
        arms = [
            ArmWindow(
                arm,
                own[0].model,
                own[0].version,
                total([w.body for w in own]),
                first.get(arm, ((), False))[0],
                self._watching.references.of(tx, own[0].model, own[0].version),
                first.get(arm, ((), False))[1],
            )
            for arm, own in by_arm.items()
        ]
        arms.sort(key=lambda one: one.arm)
        labels, labels_since = _labels(tx, watched, since, end)
        standing = state_store.of(tx, watched.name)
        return JudgedWindow(
            watched=watched,
            since=since,
            until=end,
            arms=arms,
            labels=labels,
            labels_since=labels_since,
            first_labels=_first_labels(tx, watched, labels_since),
            began=self._began.get(watched.name) if watched.fills else None,
            spend=_spend(tx, watched, end),
            breaches={
                row.key: StandingBreach(row.state, row.provisional, _figures(row))
                for row in standing
                if row.state.severity
            },
        )


def _first(
    tx: Tx, watched: WatchedAutomation, arms: Sequence[str], since: datetime
) -> dict[str, tuple[list[Sums], bool]]:
    """Return the first windows of each arm, and whether they are short ones."""
    span = watched.monitors.window
    hours = store.first_windows(tx, watched.name, arms, max(span * FIRST_PERIOD, timedelta(days=1)), since)
    return {arm: in_first_windows([(one.starts_at, one.body) for one in own], span) for arm, own in hours.items()}


def _labels(tx: Tx, watched: WatchedAutomation, since: datetime, end: datetime) -> tuple[dict[str, Sums], datetime]:
    """Return label sums by arm, from the window and enough hours before it, and their beginning."""
    truth = truth_of(tx, watched.name)
    reach = LABELS_BACK + (timedelta(0) if truth is None else truth.matures)
    found, count, begin = defaultdict[str, list[Sums]](list), 0, since
    for one in reversed(label_store.label_windows(tx, watched.name, since - reach, end)):
        if one.starts_at < since and count >= LABELS_WANTED:
            break
        found[one.arm].append(one.body)
        count += one.labels
        begin = min(begin, one.starts_at)
    return {arm: total(bodies) for arm, bodies in found.items()}, begin


def _first_labels(tx: Tx, watched: WatchedAutomation, before: datetime) -> list[Sums]:
    """Return the label sums of the automation's first labelled windows, all of them before a moment."""
    begin = label_store.first_label(tx, watched.name)
    if begin is None:
        return []
    span = watched.monitors.window
    until = min(before, begin + FIRST_PERIOD * span)
    hours = label_store.label_windows(tx, watched.name, begin, until)
    return in_windows([(one.starts_at, one.body) for one in hours], span)


def _spend(tx: Tx, watched: WatchedAutomation, end: datetime) -> Sequence[Spend]:
    """Return the automation's spending on its first days and on the last ones."""
    began = store.first_starts(tx, [watched.name]).get(watched.name)
    if began is None:
        return ()
    first = began.date()
    early = spending.of(tx, watched.name, first, first + timedelta(days=FIRST_PERIOD + 1))
    late = spending.of(tx, watched.name, max((end - timedelta(days=2)).date(), first), end.date())
    return list({(one.day, one.version, one.currency): one for one in (*early, *late)}.values())


def _figures(row: StateRow) -> dict[str, object]:
    return {**row.figures, **row.figures["detail"]}
