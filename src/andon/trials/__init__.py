"""Trials: what experiments and rollouts have in common while they try versions on real traffic.

Who holds the traffic: `holding.py`.
"""

from andon.trials.errors import ExperimentUnderWay, TrafficSplitByHand
from andon.trials.holding import TrafficHolder, end_command, holder_of, require_unsplit, salt_of

__all__ = [
    "ExperimentUnderWay",
    "TrafficHolder",
    "TrafficSplitByHand",
    "end_command",
    "holder_of",
    "require_unsplit",
    "salt_of",
]
