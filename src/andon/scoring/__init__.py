"""Scoring: decides the rows of a file or a query, each exactly once, even if the run is killed and started again.

A run is found again by its digest, which says what its rows are. Start reading at `domain.py` (why no row is decided
twice), then `deciding.py`.
"""

from andon.scoring.deciding import Scorer
from andon.scoring.domain import COLUMNS, PART_ROWS, Interval, Run, Scored
from andon.scoring.errors import ColumnMissing, QueryInvalid, QueryUnavailable, RunBusy, RunInterrupted, RunLost
from andon.scoring.output import ENDINGS, OutputInvalid, check, discard, writing
from andon.scoring.query import Fetched, fetch
from andon.scoring.service import begin, end, give_up, unfinished
from andon.scoring.sources import SourceRow, SourceRows, digest_of, opened

__all__ = [
    "COLUMNS",
    "ENDINGS",
    "PART_ROWS",
    "ColumnMissing",
    "Fetched",
    "Interval",
    "OutputInvalid",
    "QueryInvalid",
    "QueryUnavailable",
    "Run",
    "RunBusy",
    "RunInterrupted",
    "RunLost",
    "Scored",
    "Scorer",
    "SourceRow",
    "SourceRows",
    "begin",
    "check",
    "digest_of",
    "discard",
    "end",
    "fetch",
    "give_up",
    "opened",
    "unfinished",
    "writing",
]
