"""Replays: recorded decisions through a candidate, on all cores, and a report of what would have come out otherwise.

`working.py` is what each process does, `tallying.py` what it counts, `report.py` what becomes of it. Nothing is written.
"""

from andon.replays.differing import TableDifference, table_differences
from andon.replays.domain import PolicyText, ReplayPart, ReplayQuestion, parts_of
from andon.replays.errors import FeatureUnknowable, ReplayBusy, ReplayFailed, ReplayInvalid
from andon.replays.recomputing import lacking_features, reach_of
from andon.replays.report import LabelledChange, ReplayReport, ReplayScope, ReviewMinutes, report_of
from andon.replays.tallying import ReplayTally, SegmentFields
from andon.replays.weighted import LabelEstimate
from andon.replays.working import ReplayWork, ReplayWorker

__all__ = [
    "FeatureUnknowable",
    "LabelEstimate",
    "LabelledChange",
    "PolicyText",
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
    "SegmentFields",
    "TableDifference",
    "lacking_features",
    "parts_of",
    "reach_of",
    "report_of",
    "table_differences",
]
