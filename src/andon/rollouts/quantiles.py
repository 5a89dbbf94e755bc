"""Latency quantiles of a rollout: each stage counts its own values and is judged by itself. Pure.

A version's speed depends on its share of the traffic, which sets the size of its batches. So each stage starts afresh.
Harm is judged by the mean evidence of all stages, and a step by the stage before it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from andon.rollouts.evidence import GuardrailEvent
from andon.rollouts.guardrails import WatchedGuardrail
from andon.statistics.quantile_sequences import GrowingBins, over_stages


class QuantileStage(Struct):
    """Values of both arms in one stage, counted in bins, and the logarithms of E: of harm, and of being good enough."""

    candidate: list[int]
    control: list[int]
    harm: float = 0.0
    sound: float = 0.0

    @property
    def bins(self) -> tuple[GrowingBins, GrowingBins]:
        """The bins of the candidate and of the control."""
        return GrowingBins.from_json(self.candidate), GrowingBins.from_json(self.control)


def step_after(share: float, steps: Sequence[float]) -> float:
    """Return the step that follows a stage, in percent; `share` is the candidate's part of the traffic in it."""
    return next((one for one in sorted(steps) if one > share * 100 + 1e-6), 100.0)


def stages_of(steps: Sequence[float]) -> dict[str, QuantileStage]:
    """Return the empty stages of a rollout, each by the step after it. Nothing is compared before the first step."""
    return {f"{one:g}": QuantileStage([0], [0]) for one in sorted(steps)[1:]}


def with_values(
    guardrail: WatchedGuardrail, known: QuantileStage, events: Sequence[GuardrailEvent], step: float
) -> QuantileStage:
    """Return the stage before a step with more values in it."""
    arms = (
        before + GrowingBins.of(np.array([one.value for one in events if one.of.is_candidate is mine], float))
        for before, mine in zip(known.bins, (True, False), strict=True)
    )
    candidate, control = arms
    return QuantileStage(
        candidate.to_json(),
        control.to_json(),
        guardrail.harm_by_quantile().log_e(candidate, control),
        guardrail.sound_by_quantile(step).log_e(candidate, control),
    )


def harm_of_stages(stages: Mapping[str, QuantileStage]) -> float:
    """Return the logarithm of E for harm in all stages together, including those ahead."""
    return over_stages([one.harm for one in stages.values()], len(stages))


def newest_quantiles(guardrail: WatchedGuardrail, stages: Mapping[str, QuantileStage]) -> tuple[float, float] | None:
    """Return the quantile of each arm in the newest stage, as precise as its bins; None before both have values."""
    for step in sorted(stages, key=float, reverse=True):
        candidate, control = stages[step].bins
        if candidate.total and control.total:
            return candidate.quantile(guardrail.quantile), control.quantile(guardrail.quantile)
    return None
