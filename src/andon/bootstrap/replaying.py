"""A running replay, in this process or in one process per core.

Each process builds its own lines and reads its own parts of the ledger.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, TypeAlias
from uuid import UUID

from andon import decisions, policies, replays, reviews, serving
from andon.authoring import Automation, MaxCost, Truth, is_text
from andon.bootstrap.memory import settle_memory
from andon.bootstrap.recorded import CandidateLines, RecordedLines
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.errors import AndonError
from andon.kernel.ids import time_of
from andon.policies import ValueKind
from andon.replays import (
    ComputedMeasures,
    ReplayFailed,
    ReplayInvalid,
    ReplayPart,
    ReplayQuestion,
    ReplayReport,
    ReplayScope,
    ReplayTally,
    ReplayWork,
    ReplayWorker,
    ReviewMinutes,
    RewardMeasure,
    SegmentFields,
    SplitArms,
    ValueChange,
)

STRETCH = 4096
"""The number of decisions read in one query."""

FEW = 4
"""The most parts that this process finishes before other processes would have started."""

_SEGMENTS = frozenset({ValueKind.STRING, ValueKind.OPTIONAL_STRING, ValueKind.BOOLEAN, ValueKind.OPTIONAL_BOOLEAN})

Progress: TypeAlias = Callable[[int], None]
"""A function that receives the number of decisions read since its last call."""


@dataclass(slots=True)
class Replaying:
    """One replay, built and divided into parts; `run` does it."""

    settings: Settings
    database: Database
    question: ReplayQuestion
    now: datetime
    work: ReplayWork
    candidate: CandidateLines | None
    parts: list[ReplayPart]

    @classmethod
    def prepared(
        cls,
        settings: Settings,
        database: Database,
        question: ReplayQuestion,
        now: datetime,
        declared: Automation | None = None,
    ) -> "Replaying":
        """Build a replay and find its faults before it runs. `declared` is the automation, if already loaded.

        Raises AndonError of many kinds.
        """
        if declared is None:
            lines = RecordedLines.of_project(settings, database, question.automation)
        else:
            lines = RecordedLines(settings, database, declared)
        with database.begin() as tx:
            newest = None if question.last is None else (question.automation, question.last)
            cuts = decisions.cuts(tx, question.since, question.until, size=STRETCH, newest=newest)
        lacking = _lacking(database, lines.declared, question, cuts)
        candidate = CandidateLines(lines, question, now) if question.has_candidate else None
        work = _work(database, lines, candidate, lacking, now)
        parts = replays.parts_of(tuple(cuts))
        if lacking:
            parts = _warm_parts(database, lines.declared, cuts)
        return cls(settings, database, question, now, work, candidate, parts)

    @property
    def size(self) -> int:
        """The approximate number of decisions to read, of all automations."""
        return STRETCH * sum(len(part.cuts) - 1 for part in self.parts)

    def run(self, progress: Progress, *, processes: int | None = None) -> ReplayTally:
        """Replay all parts. Raises ReplayFailed."""
        wanted = min(len(os.sched_getaffinity(0)) if processes is None else processes, len(self.parts))
        if wanted < 2 or (len(self.parts) <= FEW and processes is None):
            return self._here(progress)
        return self._elsewhere(progress, wanted)

    def run_within(self, seconds: float) -> tuple[ReplayTally, bool]:
        """Replay as many parts as this process can in this time, newest first. Return whether that was all."""
        until, total = monotonic() + seconds, ReplayTally(self.work.fields)
        worker = ReplayWorker(self.database, self.work)
        for part in reversed(self.parts):
            if monotonic() > until:
                return total, False
            total.merge(worker.tally(part))
        return total, True

    def report(self, tally: ReplayTally, *, review_minutes: float | None, stopped: str | None = None) -> ReplayReport:
        """Make the report of a tally."""
        question, declared = self.question, self.work.automation
        described = (
            {"versions": "the versions that decided"} if self.candidate is None else dict(self.candidate.described())
        )
        if self.work.lacking:
            described["features"] = f"{', '.join(sorted(self.work.lacking))} computed from the history"
        before = "what was decided" if question.before is None else f"what {question.before.source} would have decided"
        begin = time_of(self.parts[0].begins) if self.parts and question.last is not None else question.since
        scope = ReplayScope(declared.name, begin, question.until, before, described, stopped)
        minutes = self._minutes(review_minutes)
        costs, computed = isinstance(declared.risk, MaxCost), self.work.measures
        changes = () if computed is None else replays.changes_of(computed, tally.measures)
        return replays.report_of(tally, scope, minutes, costs=costs, measures=changes, values=self._values(tally))

    def _values(self, tally: ReplayTally) -> tuple[ValueChange, ...]:
        if self.candidate is None:
            return ()
        if self.work.arms is None:
            silent = "gates differ by segment or class here, so what the other arms would have done is unknown"
            return tuple(ValueChange(*one, None, None, None, silent) for one in self.work.rewards)
        flips = sum(count for move, count in tally.moves.items() if move.flips)
        return replays.values_under(self.work.rewards, tally.drawn, flips)

    def _minutes(self, given: float | None) -> ReviewMinutes:
        if given is not None:
            return ReviewMinutes(given, "as given")
        with self.database.begin() as tx:
            pace = reviews.pace(tx, self.work.automation.name)
        if not pace.reviews:
            return ReviewMinutes(None, "no review has been claimed and decided yet")
        return ReviewMinutes(pace.minutes, f"by {pace.reviews:,} reviews")

    def _here(self, progress: Progress) -> ReplayTally:
        worker, total = ReplayWorker(self.database, self.work), ReplayTally(self.work.fields)
        for part in self.parts:
            total.merge(worker.tally(part))
            progress(STRETCH * (len(part.cuts) - 1))
        return total

    def _elsewhere(self, progress: Progress, processes: int) -> ReplayTally:
        begin = (self.settings, self.database.url, self.question, self.now, self.work.lacking)
        total = ReplayTally(self.work.fields)
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, begin)
        with pool:
            try:
                for part, tally in _in_turns(pool, self.parts, 2 * processes):
                    total.merge(tally)
                    progress(STRETCH * (len(part.cuts) - 1))
            except BrokenProcessPool as error:
                raise ReplayFailed("A process of the replay ended: it was killed or could not start") from error
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return total


def _in_turns(
    pool: ProcessPoolExecutor, parts: Sequence[ReplayPart], under_way: int
) -> Iterator[tuple[ReplayPart, ReplayTally]]:
    """Hand out parts, a few at a time, and yield each with its tally when it is done. Raises ReplayFailed."""
    waiting: dict[Future[ReplayTally | str], ReplayPart] = {}
    left = iter(parts)
    for part in left:
        waiting[pool.submit(_tally, part)] = part
        if len(waiting) == under_way:
            break
    while waiting:
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for one in done:
            part, result = waiting.pop(one), one.result()
            if isinstance(result, str):
                raise ReplayFailed(result)
            yield part, result
            following = next(left, None)
            if following is not None:
                waiting[pool.submit(_tally, following)] = following


_workers: list[ReplayWorker] = []
"""The worker of a child process."""


def _begin(settings: Settings, url: str, question: ReplayQuestion, now: datetime, lacking: frozenset[str]) -> None:
    """Build the worker of a child process, with its own connection and its own versions in memory."""
    database = Database(url, pool_size=1)
    lines = RecordedLines.of_project(settings, database, question.automation)
    candidate = CandidateLines(lines, question, now) if question.has_candidate else None
    _workers.append(ReplayWorker(database, _work(database, lines, candidate, lacking, now)))
    settle_memory(young=100_000)


def _tally(part: ReplayPart) -> ReplayTally | str:
    """Replay one part. Return an error as text, since not every error can be sent to the parent process."""
    try:
        return _workers[0].tally(part)
    except AndonError as error:
        return str(error)


def _work(
    database: Database,
    lines: RecordedLines,
    candidate: CandidateLines | None,
    lacking: frozenset[str],
    now: datetime,
) -> ReplayWork:
    declared = lines.declared
    with database.begin() as tx:
        truth = decisions.truth_of(tx, declared.name)
        history = serving.split_history(tx, declared.name)
    splits = {split.number: split for split in history if split.shares and split.model == declared.model}
    return ReplayWork(
        automation=declared,
        by_of=lines.by if candidate is None else candidate.by,
        before=None if candidate is None else candidate.before(),
        lacking=lacking,
        fields=_segment_fields(declared),
        truth=truth,
        now=now,
        measures=None if candidate is None else _computed(declared, truth),
        rewards=tuple(RewardMeasure(one.name, one.unit) for one in declared.measures if one.value is None),
        arms=None if candidate is None or _has_parts(declared) else SplitArms(splits, lines.arm),
    )


def _computed(declared: Automation, truth: Truth | None) -> ComputedMeasures:
    described = decisions.described_measures(declared, decisions.variables(declared)).get("measures", ())
    return ComputedMeasures(described, () if truth is None else truth.classes)


def _has_parts(automation: Automation) -> bool:
    return automation.risk is not None and (automation.risk.by is not None or bool(automation.risk.targets))


def _lacking(
    database: Database, declared: Automation, question: ReplayQuestion, cuts: Sequence[UUID]
) -> frozenset[str]:
    if not question.has_candidate or not cuts:
        return frozenset()
    with database.begin() as tx:
        deployed = decisions.versions_between(tx, declared.name, cuts[0], cuts[-1])
    lacking = replays.lacking_features(declared, deployed)
    changed = sorted(name for name in lacking if any(name in decisions.names_given(one) for one in deployed))
    if changed and question.model is None:
        raise ReplayInvalid(
            f"{', '.join(changed)} is now computed differently, and the recorded predictions rest on the old values: "
            "name a version with --model, which is then asked again"
        )
    return lacking


def _warm_parts(database: Database, declared: Automation, cuts: Sequence[UUID]) -> list[ReplayPart]:
    """Return one part per core, each starting earlier by as much history as windows need."""
    reach, begins = replays.reach_of(declared), time_of(cuts[0])
    with database.begin() as tx:
        history = decisions.cuts(tx, begins - reach, begins, size=STRETCH)
    every = [*history[:-1], *cuts]
    each = max(1, -(-(len(cuts) - 1) // len(os.sched_getaffinity(0))))
    return [_warm_part(every, place, each, reach) for place in range(len(every) - len(cuts), len(every) - 1, each)]


def _warm_part(every: Sequence[UUID], place: int, each: int, reach: timedelta) -> ReplayPart:
    since = time_of(every[place]) - reach
    first = next((n for n in range(place, -1, -1) if time_of(every[n]) < since), 0)
    return ReplayPart(tuple(every[first : place + each + 1]), every[place])


def _segment_fields(automation: Automation) -> SegmentFields:
    """Return the fields that gates, measures and fairness divide by, then other text and boolean fields."""
    by: list[Any] = [None if automation.risk is None else automation.risk.by]
    by += [name for measure in automation.measures for name in measure.by]
    by += [one.field for one in (automation.monitors.fairness if automation.monitors else ())]
    fields = automation.contract.model_fields
    declared = tuple(dict.fromkeys(name for name in by if name in fields))
    kinds = {name: policies.kind_of(one.annotation) for name, one in fields.items() if not is_text(one.metadata)}
    found = [name for name, kind in kinds.items() if kind in _SEGMENTS]
    return SegmentFields(declared, tuple(n for n in found if n not in declared and n != automation.subject))
