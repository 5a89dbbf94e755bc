"""Notations: how numbers and times stand in text, as SQL that counts and converts them and as names the contract knows."""

from collections.abc import Sequence
from datetime import datetime

from andon.scaffold.domain import Notation

INTEGER = r"[+-]?(0|[1-9]\d{0,14})"
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?"
PADDED = r"[+-]?0\d.*"
LONG = r"[+-]?\d{16,}"
GROUPED = r"[$€£]?[+-]?\d{1,3}(,\d{3})*(\.\d+)?[$€£%]?"
COMMA = r"[$€£]?[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?[$€£%]?"
ISO_TIME = r"\d{4}-\d{2}-\d{2}([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?"
COMPACT_DATE = "%Y%m%d"

_DATES = (
    "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
TIME_FORMATS = (COMPACT_DATE, *(date + time for date in _DATES for time in _TIMES))
"""What times are tried with, beside ISO 8601; month first before day first."""


def formats_of(samples: Sequence[str]) -> list[str]:
    """The formats in which all samples can be read, by the same function that the contract will use."""
    return [form for form in TIME_FORMATS if all(_reads(text, form) for text in samples)]


def number_sql(cell: str, notation: Notation | None) -> str:
    """The SQL of the number in a text cell."""
    if notation is None:
        return f"TRY_CAST({cell} AS DOUBLE)"
    bare = f"regexp_replace({cell}, '[$€£%]', '', 'g')"
    if notation is Notation.GROUPED:
        return f"TRY_CAST(replace({bare}, ',', '') AS DOUBLE)"
    return f"TRY_CAST(replace(replace({bare}, '.', ''), ',', '.') AS DOUBLE)"


def time_sql(cell: str, form: str | None) -> str:
    """The SQL of a text cell's time in seconds since 1970."""
    return f"epoch(TRY_CAST({cell} AS TIMESTAMPTZ))" if form is None else f"epoch(try_strptime({cell}, '{form}'))"


def _reads(text: str, form: str) -> bool:
    if form == COMPACT_DATE and not (len(text) == 8 and text.isdigit() and text[:2] in ("19", "20")):
        return False
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 (only whether it can be read)
    except ValueError:
        return False
    return True
