"""Trials: arms of one automation on real traffic, under tests. Rollouts and experiments are two plans of it.

A trial and its events: `domain.py`. Moves: `moving.py`. Who holds the traffic: `holding.py`; changes that end a trial,
and its lease: `ground.py`. Counting: `counting.py`, `cases.py`, `labelled.py`, `noting.py`; where arms predict
otherwise, people are asked: `asking.py`. The watcher of a worker: `watching.py`. SQL: `store.py`.
"""

from andon.trials.asking import DifferingDecision, answered, ask
from andon.trials.cases import CASES, CaseStanding
from andon.trials.counting import (
    DeclaredMeasures,
    TrialCounter,
    counted_anew,
    first_of_each,
    split_of,
    unit_of,
)
from andon.trials.domain import TrafficTrial, TrialEvent, own_fields
from andon.trials.errors import ExperimentUnderWay, RolloutUnderWay, SecondPersonNeeded, TrafficSplitByHand
from andon.trials.holding import require_unsplit
from andon.trials.labelled import LateLabels, class_known, labelled, verdict_of
from andon.trials.moving import TrialMover, written
from andon.trials.noting import subscribe
from andon.trials.service import TrialDesk, check_arms, free_split, require_free
from andon.trials.store import TrialStore, counts_of, save_counts
from andon.trials.watching import TrialWatcher

__all__ = [
    "CASES",
    "CaseStanding",
    "DeclaredMeasures",
    "DifferingDecision",
    "ExperimentUnderWay",
    "LateLabels",
    "RolloutUnderWay",
    "SecondPersonNeeded",
    "TrafficSplitByHand",
    "TrafficTrial",
    "TrialCounter",
    "TrialDesk",
    "TrialEvent",
    "TrialMover",
    "TrialStore",
    "TrialWatcher",
    "answered",
    "ask",
    "check_arms",
    "class_known",
    "counted_anew",
    "counts_of",
    "first_of_each",
    "free_split",
    "labelled",
    "own_fields",
    "require_free",
    "require_unsplit",
    "save_counts",
    "split_of",
    "subscribe",
    "unit_of",
    "verdict_of",
    "written",
]
