"""The trial of a file with free text: small models of the kind that the project will have."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andon.models import FeatureKind, FeatureSpec, PackageInvalid, encode, fit_text, frame_of_rows
from andon.scaffold.domain import Column, ColumnKind, Target
from andon.scaffold.profile import TABLE, Table
from andon.scaffold.target import label_of

MOST_ROWS = 3_000
MOST_LETTERS = 10_000
"""Limits of what a trial reads: rows, and letters of one text."""

_FOLDS = 3
_NEWEST = 0.25
_SEED = 34
_KINDS = {
    ColumnKind.NUMBER: FeatureKind.NUMBER,
    ColumnKind.INTEGER: FeatureKind.NUMBER,
    ColumnKind.BOOLEAN: FeatureKind.CATEGORY,
    ColumnKind.CATEGORY: FeatureKind.CATEGORY,
    ColumnKind.TEXT: FeatureKind.TEXT,
}


def asked(
    table: Table, aim: Column, goal: Target, features: Sequence[Column], time: Column | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return probabilities of rows by models that have not seen them, and the classes of these rows.

    With a time the newest rows are asked about; else each row once.
    """
    rows, labels = _sample(table, aim, goal, features, time)
    folds = np.random.default_rng(_SEED).permutation(np.arange(len(labels)) % _FOLDS)
    numbers: Sequence[int] = range(_FOLDS)
    if time is not None:
        folds, numbers = (np.arange(len(labels)) >= len(labels) * (1 - _NEWEST)).astype(int), [1]
    raw = np.zeros((len(labels), len(goal.classes)))
    for number in numbers:
        raw[folds == number] = _fitted(features, rows, labels, folds != number, len(goal.classes))
    seen = np.isin(folds, list(numbers))
    return raw[seen], labels[seen]


def _sample(
    table: Table, aim: Column, goal: Target, features: Sequence[Column], time: Column | None
) -> tuple[dict[str, list[Any]], NDArray[np.int64]]:
    """Return values by column, in the order of the time if there is one, and the classes of these rows."""
    cells = ", ".join([aim.cell, *map(_value, features)])
    order = "" if time is None else f" ORDER BY {time.number}"
    known = "" if time is None else f" AND {time.number} IS NOT NULL"
    found = table.connection.execute(
        f"SELECT {cells} FROM (SELECT * FROM {TABLE} WHERE {aim.cell} IS NOT NULL{known}"
        f" USING SAMPLE reservoir({MOST_ROWS} ROWS) REPEATABLE ({_SEED})){order}"
    ).fetchall()
    labels, *columns = zip(*found, strict=True)
    places = {name: at for at, name in enumerate(goal.classes)}
    values = {column.field: list(some) for column, some in zip(features, columns, strict=True)}
    return values, np.array([places[label_of(label)] for label in labels], np.int64)


def _value(column: Column) -> str:
    if column.kind in (ColumnKind.NUMBER, ColumnKind.INTEGER):
        return f"({column.number})::DOUBLE"
    text = f"{column.cell}::VARCHAR"
    return f"left({text}, {MOST_LETTERS})" if column.kind is ColumnKind.TEXT else text


def _fitted(
    features: Sequence[Column],
    rows: dict[str, list[Any]],
    labels: NDArray[np.int64],
    train: NDArray[np.bool_],
    classes: int,
) -> NDArray[np.float64]:
    """Fit to the rows of `train` and ask about all others."""
    learnt, others = (_some(rows, chosen) for chosen in (train, ~train))
    specs = [spec for column in features if (spec := _spec(column, learnt[column.field])) is not None]
    names = [str(number) for number in range(classes)]
    answer = np.zeros((int((~train).sum()), classes))
    present = np.unique(labels[train])
    if len(present) == 1:
        answer[:, present[0]] = 1.0
        return answer
    try:
        model = fit_text(specs, learnt, [str(one) for one in labels[train].tolist()], names, light=True)
    except PackageInvalid:  # no words are left in this part of the rows
        answer[:] = np.bincount(labels[train], minlength=classes) / int(train.sum())
        return answer
    answer[:, present] = model.predict_proba(frame_of_rows(specs, encode(specs, others)))
    return answer


def _some(rows: dict[str, list[Any]], chosen: NDArray[np.bool_]) -> dict[str, list[Any]]:
    at = np.flatnonzero(chosen).tolist()
    return {name: [values[i] for i in at] for name, values in rows.items()}


def _spec(column: Column, values: Sequence[Any]) -> FeatureSpec | None:
    kind = _KINDS[column.kind]
    known = tuple(sorted({value for value in values if value is not None})) if kind is FeatureKind.CATEGORY else ()
    return FeatureSpec(column.field, kind, known) if known or kind is not FeatureKind.CATEGORY else None
