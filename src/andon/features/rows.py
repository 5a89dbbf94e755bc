"""Lookups over one batch: rows read from tables become features; a default only where one was declared. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from andon.authoring import Lookup, span_of
from andon.features.domain import Looked, Row, Value, WantedRows
from andon.features.errors import FeatureFailed
from andon.features.values import usable


class LookupPlan:
    """One lookup, prepared."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self._named = list(zip(lookup.names, lookup.columns, strict=True))
        self._defaults = {name: lookup.default[column] for name, column in self._named if column in lookup.default}
        self._undeclared = [column for column in lookup.columns if column not in lookup.default]
        self._oldest = span_of(lookup.oldest) if lookup.oldest else None

    def wanted(self, inputs: Sequence[Row]) -> WantedRows:
        """Return the keys that a batch needs."""
        keys = (key_of(row.get(self.lookup.by)) for row in inputs)
        return WantedRows(self.lookup, list(dict.fromkeys(key for key in keys if key is not None)))

    def look_up(
        self,
        inputs: Sequence[Row],
        asked: Sequence[datetime],
        looked: Looked,
        rows: Sequence[dict[str, Value]],
        failures: dict[int, FeatureFailed],
    ) -> None:
        """Write what was found into `rows`, and why there is nothing into `failures`, by row."""
        found = looked.get(self.lookup, {})
        for number, (row, came, features) in enumerate(zip(inputs, asked, rows, strict=True)):
            key = key_of(row.get(self.lookup.by))
            one = None if key is None else found.get(key)
            try:
                features.update(self._features(key, one, came))
            except FeatureFailed as failed:
                failures.setdefault(number, failed)

    def _features(
        self, key: str | None, found: Mapping[str, Any] | FeatureFailed | None, came: datetime
    ) -> dict[str, Value]:
        if isinstance(found, FeatureFailed):
            raise found
        missing = "found no row" if key is not None else f"was not made: {self.lookup.by!r} is missing"
        if found is not None and self._oldest is not None:
            written = moment_of(found[self.lookup.updated])
            if written is None or came - written > self._oldest:
                missing, found = f"found only a row older than {self.lookup.oldest}", None
        if found is not None:
            return {name: _value(name, found[column]) for name, column in self._named}
        if self._undeclared:
            column = self._undeclared[0]
            raise FeatureFailed(f"Lookup in {self.lookup.table!r} {missing}, and {column!r} has no default")
        return self._defaults


def key_of(value: Any) -> str | None:
    """Return a field's value as the text that keys a row; None for a missing one."""
    value = getattr(value, "value", value)
    if value is None or value != value:
        return None
    text = value if type(value) is str else str(value)
    if text.isprintable():
        return text
    return (
        None if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text) else text
    )  # PostgreSQL has no such text


def moment_of(value: Any) -> datetime | None:
    """Return when a row was written; a time without a zone is UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None


def _value(name: str, value: Any) -> Value:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else usable(name, value)
