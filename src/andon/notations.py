"""Notations: how numbers, times and booleans are written in text, for `andon init`, training and every decision.

Each notation is a pattern, the SQL that reads a whole column with it, and the function that reads one value. The
contracts that `andon init` writes name these functions. Tests check that both read the same.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import BeforeValidator

POINT, COMMA = ".", ","

_SPACES = " \u00a0\u202f\u2009"
_APOSTROPHES = "'\u2019\u02bc"
_CURRENCY = (
    r"([A-Z]{1,2}\$|[$€£¥₹₽₩₺₴₪฿₫₱₦]|USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH"
    r"|BRL|MXN|ARS|CLP|COP|ZAR|NGN|KES|EGP|AED|SAR|ILS|SGD|HKD|TWD|KRW|THB|IDR|MYR|PHP|VND|kr\.?|zł|Kč|Ft|Fr\.?|Rs\.?)"
)
_SPACE = f"[{_SPACES}]?"
_MINUS = "\u2212-"

INTEGER = r"[+-]?(0|[1-9]\d{0,14})"
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?"
PADDED = r"[+-]?0\d.*"
LONG = r"[+-]?\d{16,}"
PLAIN_ISO = r"\d{4}-\d{2}-\d{2}([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?"
"""Times that any reader of ISO 8601 accepts."""
ISO = r"\d{4}-\d{2}-\d{2}([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)? ?(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?)?"
"""The same to the microsecond, and times with a zone such as +0000 or +02."""
RFC_2822 = (
    r"((Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r" ([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)? (GMT|UTC|UT|Z|[+-]([01]\d|2[0-3])[0-5]\d)"
)
ISO_WEEK = r"\d{4}(-W(0[1-9]|[1-4]\d|5[0-3])(-[1-7])?|W(0[1-9]|[1-4]\d|5[0-3])[1-7]?)"

EPOCHS = {"epoch-s": 1, "epoch-ms": 1_000, "epoch-us": 1_000_000}
"""Units that count since 1970, and how many of each are a second."""
_EPOCH_FROM, _EPOCH_UNTIL = 946_684_800, 2_208_988_800
"""From 2000 to 2040: in a column named like a time, a number in this range is a time."""
_TIME_NAME = re.compile(
    r"(?i:(^|[ _.-])(time|timestamp|ts|date|datetime|epoch|unix|unixtime|created|updated|when|at)"
    r"([ _.-]?(s|sec|secs|seconds|ms|millis|us|micros|utc))?$)|[a-z](Time|Timestamp|Date|At|Ts)$"
)
_COMPACT_DATE = "%Y%m%d"
_COMPACT = r"(19|20)\d{6}"
_DATES = (
    "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d-%m-%Y", "%m-%d-%Y",
    "%d-%b-%Y", "%d %b %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
TIME_FORMATS = (
    *("iso", "rfc-2822", "iso-week", _COMPACT_DATE),
    *(date + time for date in _DATES for time in _TIMES),
)
"""Formats that are tried for times, month first before day first."""

TAKEN = (
    "ISO 8601 (2026-12-31T13:30:00+0000), RFC 2822 (Thu, 31 Dec 2026 13:30:00 +0000), ISO weeks (2026-W53), "
    "31/12/2026, 12/31/2026, 31.12.2026, 31-Dec-2026, 20261231, each with a time of day or without, and numbers"
)
"""The accepted values that order rows, in words."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number_pattern(mark: str) -> str:
    """Return the pattern of numbers with a decimal point or comma, for Python and for DuckDB."""
    separators = ("," if mark == POINT else ".") + _SPACES + _APOSTROPHES
    decimal = re.escape(mark)
    whole = rf"(\d+|\d{{1,3}}([{separators}]\d{{2,3}})*[{separators}]\d{{3}})"
    body = rf"({whole}({decimal}\d*)?|{decimal}\d+)"
    sign, currency = f"[+{_MINUS}]?", f"({_CURRENCY})?"
    unit = rf"({_CURRENCY}|%)?"
    before = f"{sign}{_SPACE}{currency}{_SPACE}"
    return rf"({before}{sign}{body}{_SPACE}{unit}[{_MINUS}]?|\({before}{body}{_SPACE}{unit}\))"


def number_sql(cell: str, mark: str | None) -> str:
    """Return the SQL of the number in a text cell; None means Python's notation."""
    if mark is None:
        return f"TRY_CAST({cell} AS DOUBLE)"
    bare = f"regexp_replace(regexp_replace({cell}, {_quoted(_CURRENCY)}, '', 'g'), '[^0-9{mark}]', '', 'g')"
    sign = f"CASE WHEN regexp_matches({cell}, '[({_MINUS}]') THEN -1 ELSE 1 END"
    number = f"{sign} * TRY_CAST(replace({bare}, ',', '.') AS DOUBLE)"
    return f"CASE WHEN {matches_sql(cell, number_pattern(mark))} THEN {number} END"


def matches_sql(cell: str, pattern: str) -> str:
    """Return the SQL of whether a whole cell matches the pattern."""
    return f"regexp_full_match({cell}, {_quoted(pattern)})"


def currencies_sql(cell: str) -> str:
    """Return the SQL of the different currencies in a column."""
    return f"list(DISTINCT nullif(regexp_extract({cell}, {_quoted(_CURRENCY)}), ''))"


def read_number(text: str, mark: str) -> str | None:
    """Return the number in a text as Python would write it, or None."""
    stripped = text.strip()
    if not _NUMBERS[mark].fullmatch(stripped):
        return None
    bare = re.sub(f"[^0-9{mark}]", "", _CURRENCIES.sub("", stripped)).replace(",", ".")
    return f"-{bare}" if any(sign in stripped for sign in f"({_MINUS}") else bare


def time_sql(cell: str, form: str | None) -> str:
    """Return the SQL of a text cell's time in seconds since 1970."""
    if form in EPOCHS:
        return f"TRY_CAST({cell} AS DOUBLE) / {EPOCHS[form]}"
    if form is None:
        return f"epoch(TRY_CAST({cell} AS TIMESTAMPTZ))"
    if form == "iso":
        bare = rf"regexp_replace({cell}, ' (Z|[+-])', '\1')"
        return f"CASE WHEN {matches_sql(cell, ISO)} THEN epoch(TRY_CAST({bare} AS TIMESTAMPTZ)) END"
    if form == "rfc-2822":
        bare = f"regexp_replace(regexp_replace({cell}, '^[A-Z][a-z]{{2}}, ', ''), ' (GMT|UTC|UT|Z)$', ' +0000')"
        formats = "['%d %b %Y %H:%M:%S %z', '%d %b %Y %H:%M %z']"
        return f"CASE WHEN {matches_sql(cell, RFC_2822)} THEN epoch(try_strptime({bare}, {formats})) END"
    if form == "iso-week":
        week = rf"regexp_replace({cell}, '^(\d{{4}})-?W(\d\d)-?([1-7]?)$', '\1-W\2-\3')"
        whole = f"CASE WHEN {week} LIKE '%-' THEN {week} || '1' ELSE {week} END"
        day = f"try_strptime({whole}, '%G-W%V-%u')"
        there = f"{matches_sql(cell, ISO_WEEK)} AND strftime({day}, '%G-W%V-%u') = {whole}"
        return f"CASE WHEN {there} THEN epoch({day}) END"
    read = f"epoch(try_strptime({cell}, '{form}'))"
    if form == _COMPACT_DATE:
        return f"CASE WHEN {matches_sql(cell, _COMPACT)} THEN {read} END"
    return read


def read_time(value: Any, form: str) -> datetime | None:
    """Return the time that a value means in this form, in UTC unless it has a zone; None if it is not a time."""
    try:
        if form in EPOCHS:
            return (
                None
                if isinstance(value, bool)
                else _EPOCH + timedelta(microseconds=round(float(value) * 1e6 / EPOCHS[form]))
            )
        text = str(value).strip()
        moment = _read_text(text, form)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def formats_of(samples: Sequence[str]) -> list[str]:
    """Return the formats in which all samples can be read."""
    return [form for form in TIME_FORMATS if all(read_time(text, form) is not None for text in samples)]


def likeliest_of(samples: Sequence[str]) -> str | None:
    """Return the format in which at least half of the samples can be read, and most of them."""
    digits = [text for text in samples if any(c.isdigit() for c in text)]
    read = {form: sum(read_time(text, form) is not None for text in digits) for form in TIME_FORMATS}
    best = max(read, key=lambda form: read[form])
    return best if digits and 2 * read[best] >= len(samples) else None


def epoch_of(name: str, low: float, high: float) -> str | None:
    """Return the unit in which the numbers of a column named like a time count since 1970."""
    if not _TIME_NAME.search(name):
        return None
    units = [unit for unit, per in EPOCHS.items() if _EPOCH_FROM * per <= low and high < _EPOCH_UNTIL * per]
    return units[0] if units else None


def time_as(form: str) -> BeforeValidator:
    """Make a validator that reads times in a form of TIME_FORMATS or EPOCHS, and ISO 8601 as well."""

    def read(value: Any) -> Any:
        if isinstance(value, str) and form in EPOCHS and not _PLAIN.fullmatch(value.strip()):
            return value
        moment = read_time(value, form) if isinstance(value, str | int | float) else None
        return value if moment is None else moment

    return BeforeValidator(read)


def _validator(mark: str) -> BeforeValidator:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        number = read_number(value, mark)
        return value if number is None else number

    return BeforeValidator(read)


def _read_text(text: str, form: str) -> datetime | None:
    if form == "iso":
        return datetime.fromisoformat(re.sub(" (Z|[+-])", r"\1", text)) if _ISO.fullmatch(text) else None
    if form == "rfc-2822":
        if not _RFC_2822.fullmatch(text):
            return None
        bare = re.sub(" (GMT|UTC|UT|Z)$", " +0000", re.sub("^[A-Z][a-z]{2}, ", "", text))
        form = "%d %b %Y %H:%M:%S %z" if bare.count(":") == 2 else "%d %b %Y %H:%M %z"
        return datetime.strptime(bare, form)  # noqa: DTZ007 (it says its zone)
    if form == "iso-week":
        if not _ISO_WEEK.fullmatch(text):
            return None
        year, _, rest = text.replace("-", "").partition("W")
        day = date.fromisocalendar(int(year), int(rest[:2]), int(rest[2:] or 1))
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    if form == _COMPACT_DATE and not (len(text) == 8 and text.isdigit() and text[:2] in ("19", "20")):
        return None
    return datetime.strptime(text, form)  # noqa: DTZ007 (a zone is given by the caller)


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"


_PLAIN = re.compile(NUMBER)
_ISO, _RFC_2822, _ISO_WEEK = re.compile(ISO), re.compile(RFC_2822), re.compile(ISO_WEEK)
_CURRENCIES = re.compile(_CURRENCY)
_NUMBERS = {mark: re.compile(number_pattern(mark)) for mark in (POINT, COMMA)}

number_with_point = _validator(POINT)
"""Numbers as written in a file, such as 1,234.50, $1 234, (12.5) or 12%."""

number_with_comma = _validator(COMMA)
"""Numbers as written in a file, such as 1.234,50 €."""
