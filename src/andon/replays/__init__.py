"""Replays: recorded decisions decided again by a candidate, on all cores, and a report of the differences.

`working.py` is the work of each process, `tallying.py` counts, `report.py` makes the report. Nothing is written.
"""

from andon.replays.differing import TableDifference, table_differences
from andon.replays.domain import EARLIEST, SECONDS, ReplayPart, ReplayQuestion, TriedPolicy, parts_of
from andon.replays.errors import FeatureUnknowable, ReplayBusy, ReplayFailed, ReplayInvalid
from andon.replays.measuring import ComputedMeasures
from andon.replays.moves import SegmentFields
from andon.replays.propensities import SplitArms
from andon.replays.recomputing import lacking_features, reach_of
from andon.replays.report import (
    LabelledChange,
    Rehearse,
    ReplayReport,
    ReplayScope,
    ReviewMinutes,
    ValueChange,
    report_of,
)
from andon.replays.rewards import RewardMeasure, values_under
from andon.replays.tallying import ReplayTally
from andon.replays.totals import MeasureChange, TotalEstimate, changes_of
from andon.replays.working import ReplayWork, ReplayWorker
from andon.statistics.intervals import LabelEstimate

__all__ = [
    "EARLIEST",
    "SECONDS",
    "ComputedMeasures",
    "FeatureUnknowable",
    "LabelEstimate",
    "LabelledChange",
    "MeasureChange",
    "Rehearse",
    "ReplayBusy",
    "ReplayFailed",
    "ReplayInvalid",
    "ReplayPart",
    "ReplayQuestion",
    "ReplayReport",
    "ReplayScope",
    "ReplayTally",
    "ReplayWork",
    "ReplayWorker",
    "ReviewMinutes",
    "RewardMeasure",
    "SegmentFields",
    "SplitArms",
    "TableDifference",
    "TotalEstimate",
    "TriedPolicy",
    "ValueChange",
    "changes_of",
    "lacking_features",
    "parts_of",
    "reach_of",
    "report_of",
    "table_differences",
    "values_under",
]
