"""Measures: the value of decisions to the business, summed from the feed, labels and reports of other systems.

A measure is declared with its automation (`authoring/measures.py`). `meter.py` keeps the sums; start there.
"""

from andon.measures.domain import DeclaredMeasure, Grouping, MeasureSum
from andon.measures.errors import MeasureReportInvalid
from andon.measures.measured import MeasureSet, fact_of
from andon.measures.meter import Meter, subscribe
from andon.measures.published import MeasuresReported
from andon.measures.reports import MeasureReport, report
from andon.measures.store import decisions_between, reported_in, reported_of, sums, totals

__all__ = [
    "DeclaredMeasure",
    "Grouping",
    "MeasureReport",
    "MeasureReportInvalid",
    "MeasureSet",
    "MeasureSum",
    "MeasuresReported",
    "Meter",
    "decisions_between",
    "fact_of",
    "report",
    "reported_in",
    "reported_of",
    "subscribe",
    "sums",
    "totals",
]
