"""Data files: a table as rows of raw values, read alike by `andon init`, a training script and `andon decide`.

A row holds what a caller would send as JSON: the text of a CSV cell (stripped), numbers, booleans and ISO 8601
times from typed files, and None for what is missing. The contract gives these values types. Start at `opening.py`.
"""

from andon.datafile.columns import MOST_CELLS, Columns, read_columns
from andon.datafile.errors import DataFileInvalid, DataQueryInvalid, DataQueryUnavailable, unreadable
from andon.datafile.json_files import elements
from andon.datafile.opening import FileFormat, Source, read_rows, reading, reading_plain, unpacking
from andon.datafile.queries import Query, address, is_postgresql, rows_of
from andon.datafile.table import DataFile
from andon.datafile.values import LINE_BYTES, MISSING, Value

__all__ = [
    "LINE_BYTES",
    "MISSING",
    "MOST_CELLS",
    "Columns",
    "DataFile",
    "DataFileInvalid",
    "DataQueryInvalid",
    "DataQueryUnavailable",
    "FileFormat",
    "Query",
    "Source",
    "Value",
    "address",
    "elements",
    "is_postgresql",
    "read_columns",
    "read_rows",
    "reading",
    "reading_plain",
    "rows_of",
    "unpacking",
    "unreadable",
]
