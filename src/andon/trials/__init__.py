"""Trials: what experiments and rollouts have in common while they try versions on real traffic.

Who holds the traffic: `holding.py`. What becomes known of decisions later: `noting.py`, `labelled.py`.
"""

from andon.trials.errors import ExperimentUnderWay, TrafficSplitByHand
from andon.trials.holding import TrafficHolder, end_command, holder_of, require_unsplit, salt_of
from andon.trials.labelled import LabelledDecision, counts_now, labelled
from andon.trials.noting import subscribe_late

__all__ = [
    "ExperimentUnderWay",
    "LabelledDecision",
    "TrafficHolder",
    "TrafficSplitByHand",
    "counts_now",
    "end_command",
    "holder_of",
    "labelled",
    "require_unsplit",
    "salt_of",
    "subscribe_late",
]
