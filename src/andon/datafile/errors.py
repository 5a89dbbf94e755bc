"""Why a data file or a query cannot be read, in words for its owner."""

import re

import duckdb

from andon.kernel.errors import Invalid, Unavailable


class DataFileInvalid(Invalid):
    """The data file cannot be read."""


class DataQueryInvalid(Invalid):
    """The query cannot be carried out."""


class DataQueryUnavailable(Unavailable):
    """The database of the query does not answer."""


def unreadable(name: object, error: duckdb.Error) -> DataFileInvalid:
    """Return what DuckDB found wrong with the file, as one sentence."""
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    ragged = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if line and ragged:
        what = (
            f"line {line[1]}: expected {ragged[1]} values, found {ragged[2]};"
            " is there a title above the header (--header names the header's line), or a separator that is not quoted?"
        )
    elif line and "unterminated quote" in text:
        what = f"line {line[1]}: a quote is not closed (a quote inside quotes is doubled)"
    elif "Maximum line size" in text:
        what = f"line {line[1] if line else '?'} is longer than the limit"
    else:
        what = text.splitlines()[0].removeprefix("Invalid Input Error: ")
    return DataFileInvalid(f"{name} cannot be read: {what}")
