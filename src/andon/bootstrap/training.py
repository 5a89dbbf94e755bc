"""Training sets: decisions of the ledger with their features, or a history with the features at each moment.

Rows are yielded in chunks, so that any number of them fits in memory. None is omitted: a row that breaks the contract
has an `error`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

from pydantic_core import to_json

from andon import datafile, decisions, labels
from andon.authoring import Automation
from andon.decisions import Contract, DecisionRecord, InputInvalid, InputMalformed
from andon.features import FeatureSet, History
from andon.kernel.db import Database
from andon.kernel.errors import Invalid
from andon.labels import ValidLabel

CHUNK = 5_000

Rows: TypeAlias = list[dict[str, Any]]
Told: TypeAlias = Callable[[int], None]
"""Receives the number of finished rows."""


class HistoryInvalid(Invalid):
    """The history cannot be used."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time from one moment until just before another."""

    since: datetime
    until: datetime


def as_seen(
    database: Database, automation: Automation, span: Span, *, labels_at: datetime | None, told: Told
) -> Iterator[Rows]:
    """Yield decisions of the ledger: input, features as seen, outcome and versions.

    With `labels_at`, each has the label valid at that moment.
    """
    for records in _records(database, automation, span):
        known = None if labels_at is None else _labels(database, records, labels_at)
        yield [_row(automation, record, record.record["features"], known) for record in records]
        told(len(records))


def recomputed(
    database: Database, automation: Automation, span: Span, *, labels_at: datetime | None, told: Told
) -> Iterator[Rows]:
    """Yield these decisions with features recomputed by current definitions; earlier ones warm up the windows."""
    history, contract = History(automation), Contract(automation.contract)
    warm = Span(span.since - reach_of(automation), span.until)
    for records in _records(database, automation, warm):
        read = [_read(contract, record.record["input"]) for record in records]
        fitting = [number for number, one in enumerate(read) if not isinstance(one, str)]
        computed = history.compute(
            [read[n] for n in fitting],  # type: ignore[misc]  # those are no errors
            [_happened(records[n]) for n in fitting],
            asked=[_came(records[n]) for n in fitting],
            seen=[records[n].record["features"] for n in fitting],
        )
        features = dict(zip(fitting, computed.rows, strict=True))
        wrong = {n: one for n, one in enumerate(read) if isinstance(one, str)}
        wrong |= {fitting[number]: str(failed) for number, failed in computed.failures.items()}
        known = None if labels_at is None else _labels(database, records, labels_at)
        rows = [
            _row(automation, record, features.get(number, {}), known) | {"error": wrong.get(number)}
            for number, record in enumerate(records)
            if _asked(record) >= span.since
        ]
        told(len(rows))
        if rows:
            yield rows


def of_file(file: Path, automation: Automation, span: Span, *, time: str, told: Told) -> Iterator[Rows]:
    """Yield the rows of a file in time order (ties in file order), each with its features and its number in `row`.

    All rows before `span.until` are read, and those since `span.since` are yielded. Raises HistoryInvalid.
    """
    history, contract = History(automation), Contract(automation.contract)
    missing = dict.fromkeys(automation.feature_names)
    fields = {field.alias or name for name, field in contract.model.model_fields.items()}
    with datafile.reading(file) as data:
        if time not in data.names:
            raise HistoryInvalid(f"{file} has no column {time!r} for the time; the columns are {', '.join(data.names)}")
        for chunk in _chunks(data.rows_by_time(time)):
            part = [(_timed(file, number, at, row, time), number, row) for number, at, row in chunk]
            part = [one for one in part if one[0] < span.until]
            read = [
                _read(contract, {name: value for name, value in row.items() if name in fields}) for _, _, row in part
            ]
            fitting = [n for n, one in enumerate(read) if not isinstance(one, str)]
            computed = history.compute(
                [read[n] for n in fitting],  # type: ignore[misc]  # those are no errors
                [part[n][0] for n in fitting],
                seen=[part[n][2] for n in fitting],
            )
            features = dict(zip(fitting, computed.rows, strict=True))
            wrong = {n: one for n, one in enumerate(read) if isinstance(one, str)}
            wrong |= {fitting[number]: str(failed) for number, failed in computed.failures.items()}
            rows = [
                {"row": number, **row, time: at, **missing, **features.get(n, {}), "error": wrong.get(n)}
                for n, (at, number, row) in enumerate(part)
                if at >= span.since
            ]
            told(len(part))
            if rows:
                yield rows


def reach_of(automation: Automation) -> timedelta:
    """Return how far back a decision may look."""
    longest = FeatureSet(automation.name, automation.features).longest
    return timedelta(seconds=longest) + automation.lateness


def _records(database: Database, automation: Automation, span: Span) -> Iterator[list[DecisionRecord]]:
    after: UUID | None = None
    while True:
        with database.begin() as tx:
            records = decisions.following(tx, automation.name, span.since, span.until, limit=CHUNK, after=after)
        if not records:
            return
        after = records[-1].row.id
        yield sorted(records, key=_asked)  # ids give the order only to a millisecond


def _labels(database: Database, records: Sequence[DecisionRecord], moment: datetime) -> Mapping[UUID, ValidLabel]:
    with database.begin() as tx:
        return labels.valid_of(tx, [record.row for record in records], moment)


def _row(
    automation: Automation,
    record: DecisionRecord,
    features: Mapping[str, Any],
    known: Mapping[UUID, ValidLabel] | None,
) -> dict[str, Any]:
    row, written = record.row, record.record
    label: dict[str, Any] = {}
    if known is not None:
        valid = known.get(row.id)
        label = {
            "label": valid and valid.value,
            "label_source": valid and valid.source and valid.source.value,
            "label_weight": valid and valid.weight,
            "label_mature": valid and valid.mature,
        }
    return {
        "decision_id": str(row.id),
        "at": _happened(record),
        "asked_at": _asked(record),
        **written["input"],
        **dict.fromkeys(automation.feature_names),
        **features,
        "outcome": row.outcome,
        "rule": row.rule,
        "score": row.score,
        "confidence": row.confidence,
        "model_version": row.model_version,
        "automation_version": row.automation_version,
        "error": written["policy"]["error"],
        **label,
    }


def _read(contract: Contract, given: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """Return the input, or its faults."""
    try:
        return contract.read(to_json(given))
    except (InputInvalid, InputMalformed) as error:
        return "; ".join(f"{fault.where}: {fault.message}" for fault in error.faults) or str(error)


def _timed(file: Path, number: int, at: datetime | None, row: Mapping[str, Any], time: str) -> datetime:
    if at is None:
        raise HistoryInvalid(f"{file}, row {number}: {row[time]!r} in column {time!r} is not a time (ISO 8601)")
    return at


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    following = iter(rows)
    while chunk := list(islice(following, CHUNK)):
        yield chunk


def _asked(record: DecisionRecord) -> datetime:
    return datetime.fromisoformat(record.record["asked_at"])


def _came(record: DecisionRecord) -> datetime:
    """Return the time from which its lateness counts: it may have waited in a stream."""
    arrived = record.record.get("arrived_at")
    return _asked(record) if arrived is None else datetime.fromisoformat(arrived)


def _happened(record: DecisionRecord) -> datetime:
    happened = record.record.get("happened_at")
    return _asked(record) if happened is None else datetime.fromisoformat(happened)
