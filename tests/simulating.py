"""Simulated experiments: seeded decisions of arms with known values, folded as a worker folds them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np

from andon.experiments.allocating import allocation
from andon.experiments.domain import Experiment, ExperimentState, equal_shares
from andon.experiments.estimates import ExperimentEstimates, fold, pair_estimates, winner_of
from andon.experiments.evidence import FIRST, AllocatedDecision, ArmValue
from andon.serving import Candidate

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)


def an_experiment(arms: int = 2, **fields: Any) -> Experiment:
    """Return a running experiment of versions 1, 2 and so on, of which 1 is the champion."""
    usual: dict[str, Any] = {
        "id": UUID(int=1),
        "automation": "payments",
        "number": 1,
        "model": "fraud-risk",
        "arms": tuple(Candidate(number + 1) for number in range(arms)),
        "champion": 1,
        "in_force": "3f2a9c01d2e4",
        "measure": "overrides",
        "better": "lower",
        "allocation": "fixed",
        "unit": "decision",
        "most_decisions": None,
        "until": None,
        "dead_man": timedelta(seconds=30),
        "four_eyes": False,
        "shares": equal_shares(arms),
        "allocated_at": AT,
        "state": ExperimentState.RUNNING,
        "split": 1,
        "shadows_before": (),
        "started_by": "otto",
        "reason": "test",
        "created_at": AT,
        "ended_at": None,
        "ended_by": None,
        "why": "",
        "winner": None,
    }
    return Experiment(**(usual | fields))


Draw: TypeAlias = Callable[[np.random.Generator, int, int], float]
"""The value of a decision: of a generator, the place of its arm, and the number of its step."""


class Simulated:
    """One experiment whose arms have values that `draw` gives."""

    def __init__(self, experiment: Experiment, draw: Draw, seed: int) -> None:
        self.experiment = experiment
        self.estimates = ExperimentEstimates.of(None, len(experiment.arms))
        self.log: list[tuple[int, Sequence[float], float]] = []
        self.counts = [0] * len(experiment.arms)
        self._draw, self._rng, self._step = draw, np.random.default_rng(seed), 0

    def decide(self, count: int) -> None:
        """Decide by the present shares, and count what is known of it."""
        chances = tuple(share / 100 for share in self.experiment.shares)
        made = [self._values(int(arm), chances) for arm in self._rng.choice(len(chances), count, p=chances)]
        fold(self.experiment, self.estimates, [one for each in made for one in each])
        self._step += 1

    def allocate(self) -> bool:
        """Let the shares follow the results; whether they moved."""
        found = allocation(self.experiment, self.estimates)
        if found is not None:
            self.experiment = replace(self.experiment, shares=found.shares)
        return found is not None

    @property
    def winner(self) -> int | None:
        return winner_of(self.experiment, pair_estimates(self.experiment, self.estimates))

    def _values(self, arm: int, chances: Sequence[float]) -> list[ArmValue]:
        self.counts[arm] += 1
        self.estimates.arms[arm].decisions += 1
        of = AllocatedDecision(UUID(int=0), b"", arm, tuple(chances))
        value = self._draw(self._rng, arm, self._step)
        self.log.append((arm, chances, value))
        if not self.experiment.counts_events:
            return [ArmValue(FIRST, of, value)]
        return [ArmValue(FIRST, of, None), *([ArmValue(self.experiment.measure, of, value)] if value else [])]
