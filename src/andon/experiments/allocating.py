"""Allocation by results: Thompson sampling over the estimates of the arms. Pure.

The posterior of an arm is that of its propensity-weighted estimate, not of its plain mean: so an arm that had its
traffic at other hours, or whose labels are not known yet, looks neither better nor worse for that (Dimakopoulou, Ren
and Zhou 2021, arXiv 2102.06202).
"""

from dataclasses import dataclass

from andon.experiments.domain import LEAST_SHARE, Experiment
from andon.experiments.estimates import ArmEstimate, ExperimentEstimates, arm_estimates
from andon.statistics.means import Moments
from andon.statistics.thompson import MeanPosterior, best_chances

LEAST_MOVE = 1.0
"""Percent that the share of some arm must move by: smaller moves are not worth a new split."""


@dataclass(frozen=True, slots=True)
class AllocatedShares:
    """Percent of the traffic for each arm, and the probability of each arm to be the best."""

    shares: tuple[float, ...]
    best: tuple[float, ...]


def allocation(experiment: Experiment, estimates: ExperimentEstimates) -> AllocatedShares | None:
    """Compute the shares that the results support; None while there is too little, or where they are in force."""
    found = arm_estimates(experiment, estimates)
    posteriors = [_posterior(experiment, one, estimates.units) for one in found]
    known = [one for one in posteriors if one is not None]
    if len(known) < len(found):
        return None
    best = tuple(round(float(one), 6) for one in best_chances(known))
    free = 100 - LEAST_SHARE * len(best)
    given = [round(LEAST_SHARE + free * one, 2) for one in best[1:]]
    shares = (round(100 - sum(given), 2), *given)
    if max(abs(new - old) for new, old in zip(shares, experiment.shares, strict=True)) < LEAST_MOVE:
        return None
    return AllocatedShares(shares, best)


def _posterior(experiment: Experiment, one: ArmEstimate, units: int) -> MeanPosterior | None:
    """Return the posterior of an arm's value, negated where lower is better; None before there is an estimate."""
    if one.value is None or one.error is None:
        return None
    mean = one.value if experiment.better == "higher" else -one.value
    return MeanPosterior(Moments(units, mean, one.error**2 * units * (units - 1)))
