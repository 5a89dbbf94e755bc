"""Trials: what experiments and rollouts have in common while they try versions on real traffic.

The holder of the traffic: `holding.py`. Changes that end a trial, and its lease: `ground.py`. Late labels and reports:
`noting.py`, `labelled.py`. The watcher of a worker: `watching.py`. SQL: `store.py`.
"""

from andon.trials.cases import CaseStanding
from andon.trials.errors import ExperimentUnderWay, TrafficSplitByHand
from andon.trials.ground import ChangedGround, changed_ground, lease_runs_out
from andon.trials.holding import TrafficHolder, end_command, holder_of, require_unsplit, salt_of
from andon.trials.labelled import LateLabels, class_known, counts_now, labelled, verdict_of
from andon.trials.noting import subscribe_late
from andon.trials.store import TrialRows, TrialUnits
from andon.trials.watching import TrialKey, TrialWatcher, watching

__all__ = [
    "CaseStanding",
    "ChangedGround",
    "ExperimentUnderWay",
    "LateLabels",
    "TrafficHolder",
    "TrafficSplitByHand",
    "TrialKey",
    "TrialRows",
    "TrialUnits",
    "TrialWatcher",
    "changed_ground",
    "class_known",
    "counts_now",
    "end_command",
    "holder_of",
    "labelled",
    "lease_runs_out",
    "require_unsplit",
    "salt_of",
    "subscribe_late",
    "verdict_of",
    "watching",
]
