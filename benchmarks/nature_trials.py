"""Rollouts and experiments as versions until bd64bca5 judge them, for `script/bench nature --against`."""

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np

from andon.authoring import GUARDRAILS, RolloutPlan, ServiceLevel
from andon.experiments.allocating import allocation
from andon.experiments.estimates import ExperimentEstimates, arm_estimates, pair_estimates
from andon.experiments.estimates import fold as fold_values
from andon.experiments.evidence import FIRST, AllocatedDecision, ArmValue
from andon.rollouts.evidence import GuardrailEvent, JudgedPair, PlacedDecision, first_of_each
from andon.rollouts.folding import by_guardrail, fold, fold_pairs
from andon.rollouts.guardrails import guardrails_of
from andon.rollouts.states import GuardrailState, judge
from benchmarks.nature_arms import ArmCases, ShadowCases

JUDGED = ("overrides", "wrong")
SERVICE = ServiceLevel(timedelta(seconds=1))


class Trial:
    """A rollout whose guardrails are those of people's verdicts. `decided` takes cases, `look` judges at a moment."""

    def __init__(self, steps: Sequence[float], due: float, unit: str) -> None:
        plan = RolloutPlan(steps=steps, unit=unit, off=[one for one in GUARDRAILS if one not in JUDGED])
        self._guardrails = [one for one in guardrails_of(plan, SERVICE) if one.name in JUDGED]
        self._states = {one.name: GuardrailState() for one in self._guardrails}
        self._steps, self._alone = steps, unit == "decision"
        self._waiting: list[ArmCases] = []
        self._counted: set[tuple[str, bytes]] = set()

    def decided(self, cases: ArmCases) -> None:
        """Take decisions of both arms."""
        self._waiting.append(cases.chosen(cases.looked))

    def look(self, now: float) -> None:
        """Judge by all verdicts that are known at a moment."""
        known: list[GuardrailEvent] = []
        for place, cases in enumerate(self._waiting):
            ready = cases.at + cases.answered_after <= now
            # Where each decision is a unit, right ones change no test.
            known += _events(cases.chosen(ready & cases.wrong if self._alone else ready))
            self._waiting[place] = cases.chosen(~ready)
        self._waiting = [one for one in self._waiting if len(one)]
        grouped = by_guardrail(known if self._alone else self._new(known))
        for one in self._guardrails:
            fold(one, self._states[one.name], grouped.get(one.name, ()), self._steps)
            judge(one, self._states[one.name], self._steps)

    @property
    def harmed(self) -> bool:
        """Whether the candidate is rolled back."""
        return any(one.harmed for one in self._states.values())

    @property
    def sound(self) -> bool:
        """Whether the candidate is shown to be good enough for all traffic."""
        return "100" in self._states["overrides"].shown

    def _new(self, events: list[GuardrailEvent]) -> list[GuardrailEvent]:
        first = first_of_each(events)
        keys = [(one.once, one.of.unit) for one in first]
        new = [one for one, key in zip(first, keys, strict=True) if key not in self._counted]
        self._counted.update(keys)
        return new


def _events(cases: ArmCases) -> list[GuardrailEvent]:
    found = []
    columns = (cases.at, cases.subject, cases.candidate, cases.share, cases.reviewed, cases.wrong)
    for at, subject, candidate, share, reviewed, wrong in zip(*(one.tolist() for one in columns), strict=True):
        of = PlacedDecision(UUID(int=int(at * 1e12)), subject.to_bytes(8), candidate, share)
        name = "overrides" if reviewed else "wrong"
        if wrong:
            found.append(GuardrailEvent(name, name, of, 1.0))
        found.append(GuardrailEvent(name, f"{name}/first", of, float(wrong)))
    return found


class ShadowTrial:
    """A candidate that looks on, judged by verdicts about what the champion decided."""

    def __init__(self, due: float) -> None:
        (self._guardrail,) = (one for one in guardrails_of(RolloutPlan(), SERVICE) if one.name == "wrong")
        self._state = GuardrailState()
        self._waiting: list[ShadowCases] = []

    def decided(self, cases: ShadowCases) -> None:
        """Take decisions of the champion."""
        self._waiting.append(cases.chosen(cases.looked))
        self._floor = float(cases.audits[-1])

    def look(self, now: float) -> None:
        """Judge by all verdicts that are known at a moment."""
        pairs = []
        for place, cases in enumerate(self._waiting):
            ready = cases.at + cases.answered_after <= now
            some = cases.chosen(ready)
            worse = some.candidate_wrong.astype(int) - some.champion_wrong
            chances = np.where(some.reviewed, 1.0, some.audits)
            pairs += [JudgedPair(UUID(int=0), b"", *one) for one in zip(worse.tolist(), chances.tolist(), strict=True)]
            self._waiting[place] = cases.chosen(~ready)
        self._waiting = [one for one in self._waiting if len(one)]
        fold_pairs(self._guardrail, self._state, pairs, self._floor)
        judge(self._guardrail, self._state, [100.0])

    @property
    def harmed(self) -> bool:
        """Whether the candidate is rolled back."""
        return self._state.harmed


class Experimenting:
    """An experiment on how often people override each of two arms."""

    def __init__(self, due: float, *, thompson: bool) -> None:
        self._experiment: Any = SimpleNamespace(
            arms=(1, 2),
            measure="overrides",
            counts_events=True,
            better="lower",
            pairs=[(0, 1)],
            pair_alpha=0.05,
            shares=(50.0, 50.0),
        )
        self._estimates = ExperimentEstimates.of(None, 2)
        self._thompson = thompson
        self._waiting: list[tuple[ArmCases, tuple[float, ...]]] = []

    @property
    def share(self) -> float:
        """The share of the second arm now."""
        return float(self._experiment.shares[1] / 100)

    def decided(self, cases: ArmCases) -> None:
        """Take decisions, drawn with the present share; `candidate` is the second arm."""
        chances = tuple(one / 100 for one in self._experiment.shares)
        values = [ArmValue(FIRST, _allocated(arm, chances), None) for arm in cases.candidate.tolist()]
        fold_values(self._experiment, self._estimates, values)
        self._waiting.append((cases.chosen(cases.wrong & cases.looked), chances))

    def look(self, now: float) -> None:
        """Estimate by all verdicts that are known at a moment, and move shares where results do."""
        values = []
        for place, (cases, chances) in enumerate(self._waiting):
            ready = cases.at + cases.answered_after <= now
            known = cases.candidate[ready].tolist()
            values += [ArmValue("overrides", _allocated(arm, chances), 1.0) for arm in known]
            self._waiting[place] = (cases.chosen(~ready), chances)
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


def _allocated(arm: bool, chances: tuple[float, ...]) -> AllocatedDecision:
    return AllocatedDecision(UUID(int=0), b"", int(arm), chances)
