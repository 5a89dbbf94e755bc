"""Rollouts and experiments as the product judges them, for `script/bench nature`: cases in, conclusions out.

Decisions become the evidence stream's cases when they reach their age. What needs no database is the product's own
code: which cases are kept, what each says, how guardrails and estimates add them up, and what they show.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Literal
from uuid import UUID

import numpy as np

from andon.authoring import GUARDRAILS, RolloutPlan, ServiceLevel
from andon.evidence import AgedCase
from andon.experiments.allocating import allocation
from andon.experiments.estimates import ExperimentEstimates, arm_estimates, pair_estimates
from andon.experiments.estimates import fold as fold_values
from andon.experiments.evidence import AllocatedDecision, value_of_case
from andon.rollouts.evidence import JudgedPair, PlacedDecision, events_of_case, judged_pair
from andon.rollouts.folding import by_guardrail, fold, fold_pairs
from andon.rollouts.guardrails import guardrails_of
from andon.rollouts.states import GuardrailState, judge
from andon.trials import CaseStanding, first_of_each
from benchmarks.nature_arms import ArmCases, ShadowCases
from benchmarks.nature_worlds import Floats

SERVICE = ServiceLevel(timedelta(seconds=1))
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
RIGHT, WRONG = "right", "wrong"


class _Stream:
    """The cases of a line that wait for their age, and the least probability of a look on each day."""

    def __init__(self, due: float) -> None:
        self._due = due
        self._waiting: list[Any] = []
        self.standing = CaseStanding(0, EPOCH)

    def put(self, cases: ArmCases | ShadowCases, kept: Any = None) -> None:
        """Take decisions; those that nobody looks at have drawn their audits, too."""
        automatic = ~cases.reviewed
        days = np.floor(cases.at).astype(np.int64)
        for day in np.unique(days[automatic]).tolist():
            name = (EPOCH + timedelta(days=day)).date().isoformat()
            least = float(cases.audits[automatic & (days == day)].min())
            self.standing.floors[name] = min(self.standing.floors.get(name, 1.0), least)
        self._waiting.append((cases.chosen(cases.looked), kept))

    def aged(self, now: float) -> Iterator[tuple[Any, Any]]:
        """Return the cases that reach their age by a moment, with what was kept beside them."""
        still = []
        for cases, kept in self._waiting:
            ready = cases.at + self._due <= now
            if ready.any():
                yield cases.chosen(ready), kept
            if not ready.all():
                still.append((cases.chosen(~ready), kept))
        self._waiting = still

    def case(self, number: int, at: float, subject: bytes | None, wrong: bool, delay: float, chance: float) -> AgedCase:
        """Return one case as it is known at its age."""
        return AgedCase(
            decision_id=UUID(int=number),
            automation="line",
            arm="model@1",
            segment={},
            subject=subject,
            predicted=RIGHT,
            actual=None if delay > self._due else WRONG if wrong else RIGHT,
            confidence=0.9,
            propensity=chance,
            floor=chance,
            part_floor=chance,
            weight=1.0,
            automatic=chance < 1.0,
            audited=chance < 1.0,
            gated=True,
            decided_at=EPOCH + timedelta(days=at),
        )


def _chances(cases: ArmCases | ShadowCases) -> Floats:
    return np.where(cases.reviewed, 1.0, cases.audits)


class Trial:
    """A rollout whose guardrail is wrong predictions. `decided` takes cases, `look` judges at a moment."""

    def __init__(self, steps: Sequence[float], due: float, unit: Literal["subject", "decision"]) -> None:
        plan = RolloutPlan(steps=steps, unit=unit, off=[one for one in GUARDRAILS if one not in ("wrong", "overrides")])
        (self._guardrail,) = (one for one in guardrails_of(plan, SERVICE) if one.name == "wrong")
        self._state = GuardrailState()
        self._steps, self._alone = steps, unit == "decision"
        self._stream, self._due = _Stream(due), due
        self._counted: set[tuple[str, bytes]] = set()

    def decided(self, cases: ArmCases) -> None:
        """Take decisions of both arms."""
        self._stream.put(cases)

    def look(self, now: float) -> None:
        """Judge by all cases that reach their age by a moment."""
        events = [event for cases, _ in self._stream.aged(now) for event in self._events(cases)]
        first = first_of_each(events)
        keys = [(one.once, one.of.unit) for one in first]
        new = [one for one, key in zip(first, keys, strict=True) if key not in self._counted]
        self._counted.update(keys)
        fold(self._guardrail, self._state, by_guardrail(new).get("wrong", ()), self._steps)
        judge(self._guardrail, self._state, self._steps)

    @property
    def harmed(self) -> bool:
        """Whether the candidate is rolled back."""
        return self._state.harmed

    @property
    def sound(self) -> bool:
        """Whether the candidate is shown to be good enough for all traffic."""
        return "100" in self._state.shown

    def _events(self, cases: ArmCases) -> Iterator[Any]:
        if self._alone:
            # Where each decision is a subject of its own, right ones change no test.
            cases = cases.chosen(cases.wrong | (cases.answered_after > self._due))
        columns = (cases.at, cases.subject, cases.candidate, cases.share, cases.wrong, cases.answered_after)
        rows = zip(*(one.tolist() for one in (*columns, _chances(cases))), strict=True)
        for at, subject, candidate, share, wrong, delay, chance in rows:
            name = None if self._alone else subject.to_bytes(8)
            case = self._stream.case(int(at * 1e12), at, name, wrong, delay, chance)
            if self._stream.standing.keeps(case):
                of = PlacedDecision(case.decision_id, name or case.decision_id.bytes, candidate, share)
                yield from (event for event in events_of_case(case, of) if event.guardrail == "wrong")


class ShadowTrial:
    """A candidate that looks on, judged by cases of what the champion decided."""

    def __init__(self, due: float) -> None:
        (self._guardrail,) = (one for one in guardrails_of(RolloutPlan(), SERVICE) if one.name == "wrong")
        self._state = GuardrailState()
        self._stream, self._due = _Stream(due), due

    def decided(self, cases: ShadowCases) -> None:
        """Take decisions of the champion."""
        self._stream.put(cases)

    def look(self, now: float) -> None:
        """Judge by all cases that reach their age by a moment."""
        pairs = [pair for cases, _ in self._stream.aged(now) for pair in self._pairs(cases)]
        fold_pairs(self._guardrail, self._state, pairs, [100.0])
        judge(self._guardrail, self._state, [100.0])

    @property
    def harmed(self) -> bool:
        """Whether the candidate is rolled back."""
        return self._state.harmed

    def _pairs(self, cases: ShadowCases) -> Iterator[JudgedPair]:
        # Where both are right, or wrong alike, nothing is shown.
        cases = cases.chosen(cases.candidate_wrong != cases.champion_wrong)
        columns = (cases.at, cases.candidate_wrong, cases.champion_wrong, cases.answered_after, _chances(cases))
        for at, candidate, champion, delay, chance in zip(*(one.tolist() for one in columns), strict=True):
            case = self._stream.case(int(at * 1e12), at, None, champion, delay, chance)
            if self._stream.standing.keeps(case):
                said: Any = SimpleNamespace(label=WRONG if candidate != champion else RIGHT)
                pair = judged_pair(case, said, case.decision_id.bytes)
                yield from () if pair is None else (pair,)


class Experimenting:
    """An experiment on how often each of two arms predicts wrongly."""

    def __init__(self, due: float, *, thompson: bool) -> None:
        self._experiment: Any = SimpleNamespace(
            arms=(1, 2),
            measure="wrong",
            counts_events=True,
            counts_cases=True,
            better="lower",
            pairs=[(0, 1)],
            pair_alpha=0.05,
            shares=(50.0, 50.0),
        )
        self._estimates = ExperimentEstimates.of(None, 2)
        self._thompson = thompson
        self._stream = _Stream(due)

    @property
    def share(self) -> float:
        """The share of the second arm now."""
        return float(self._experiment.shares[1] / 100)

    def decided(self, cases: ArmCases) -> None:
        """Take decisions, drawn with the present share; `candidate` is the second arm."""
        self._stream.put(cases, tuple(one / 100 for one in self._experiment.shares))

    def look(self, now: float) -> None:
        """Estimate by all cases that reach their age by a moment, and move shares where results do."""
        values = [one for cases, chances in self._stream.aged(now) for one in self._values(cases, chances)]
        fold_values(self._experiment, self._estimates, values)
        if self._thompson:
            found = allocation(self._experiment, self._estimates)
            if found is not None:
                self._experiment.shares = found.shares

    def better(self) -> int | None:
        """Return the arm that is shown to be better; None while neither is."""
        return pair_estimates(self._experiment, self._estimates)[0].better

    def intervals(self) -> list[tuple[float, float] | None]:
        """Return the interval of each arm's rate, as far as it is shown as one."""
        found = arm_estimates(self._experiment, self._estimates)
        return [None if one.low is None or one.high is None else (one.low, one.high) for one in found]

    def _values(self, cases: ArmCases, chances: tuple[float, ...]) -> Iterator[Any]:
        columns = (cases.at, cases.candidate, cases.wrong, cases.answered_after, _chances(cases))
        for at, arm, wrong, delay, chance in zip(*(one.tolist() for one in columns), strict=True):
            case = self._stream.case(int(at * 1e12), at, None, wrong, delay, chance)
            if self._stream.standing.keeps(case):
                yield value_of_case(case, AllocatedDecision(case.decision_id, b"", int(arm), chances))
