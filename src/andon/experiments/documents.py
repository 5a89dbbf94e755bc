"""Experiments as documents: the fields that the API and the command line show."""

from collections.abc import Mapping
from typing import Any

from andon.experiments.domain import Experiment
from andon.experiments.estimates import ExperimentEstimates, arm_estimates, pair_estimates

_PLAIN = (
    *("automation", "number", "model", "measure", "better", "allocation", "unit", "most_decisions", "until", "state"),
    *("seen", "started_by", "reason", "created_at", "ended_at", "ended_by", "why"),
)


def document_of(one: Experiment) -> Mapping[str, Any]:
    """Describe an experiment briefly."""
    return {
        **{name: getattr(one, name) for name in _PLAIN},
        "arms": [str(arm) for arm in one.arms],
        "shares": list(one.shares),
        "winner": None if one.winner is None else str(one.winner),
    }


def document_of_estimates(one: Experiment, counted: ExperimentEstimates) -> Mapping[str, Any]:
    """Describe what an experiment has counted: each arm, and each pair of arms."""
    arms = [str(arm) for arm in one.arms]
    each = zip(arms, one.arm_names, one.shares, counted.arms, arm_estimates(one, counted), strict=True)
    return {
        "estimates": [
            {
                "arm": arm,
                "name": name,
                "share": share,
                **{field: getattr(sums, field) for field in ("decisions", "units", "open")},
                **{field: getattr(estimate, field) for field in ("value", "low", "high")},
            }
            for arm, name, share, sums, estimate in each
        ],
        "comparisons": [
            {
                "arm": arms[pair.first],
                "beside": arms[pair.second],
                **{field: getattr(pair, field) for field in ("value", "low", "high")},
                "better": None if pair.better is None else arms[pair.better],
            }
            for pair in pair_estimates(one, counted)
        ],
    }
