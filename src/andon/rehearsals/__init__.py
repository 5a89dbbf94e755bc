"""Rehearsals: recorded decisions sent to another gateway as load, and invented rows that a contract accepts.

Start reading at `traffic.py` (sending) and `synthetic.py` (rows). Nothing here changes the ledger.
"""

from andon.rehearsals.contract_fields import ContractField, fields_of
from andon.rehearsals.domain import RecordedCall, TrafficReport
from andon.rehearsals.errors import (
    ContractTooOpen,
    NothingRecorded,
    RowsFileInvalid,
    RowsUnfit,
    TargetRecorded,
    TargetUnusable,
)
from andon.rehearsals.row_edges import edge_rows
from andon.rehearsals.row_files import check_rows_file, write_rows
from andon.rehearsals.row_source import FieldSource, RowSource, SpreadOrigin, source_of
from andon.rehearsals.synthetic import SyntheticRows
from andon.rehearsals.traffic import TrafficTarget, send_traffic

__all__ = [
    "ContractField",
    "ContractTooOpen",
    "FieldSource",
    "NothingRecorded",
    "RecordedCall",
    "RowSource",
    "RowsFileInvalid",
    "RowsUnfit",
    "SpreadOrigin",
    "SyntheticRows",
    "TargetRecorded",
    "TargetUnusable",
    "TrafficReport",
    "TrafficTarget",
    "check_rows_file",
    "edge_rows",
    "fields_of",
    "send_traffic",
    "source_of",
    "write_rows",
]
