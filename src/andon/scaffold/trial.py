"""The trial: a small model of a sample of the file, which estimates what a target would make automatic."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andon.models import expected_prospects, quality_by_class
from andon.runtimes import booster_library
from andon.scaffold import text_trial
from andon.scaffold.domain import Column, ColumnKind, FileTrial, Target
from andon.scaffold.profile import TABLE, Table
from andon.scaffold.proposal import RUNGS
from andon.scaffold.target import label_of

FOLDS = 3
MOST_ROWS = 20_000
MOST_CELLS = 2_000_000
FEWEST_ROWS = 500
MOST_COLUMNS = 1_000
"""Limits of what a trial reads: a wide file gets fewer rows, and then fewer columns."""

_SEED = 34
_TREES, _TREES_OF_FEW, _FEW = 80, 30, 1_000
_LEAVES = 20


def run(
    table: Table, aim: Column, goal: Target, inputs: Sequence[Column], time: Column | None, held_out: float
) -> FileTrial:
    """Fit small models on parts of a sample, ask them about the others, and estimate what each target makes automatic.

    With a time, the models predict the newest rows, since the project will hold out the newest; without one, each row
    once. `held_out` is the share of rows that will be held out.
    """
    features = [column for column in inputs if column.used][:MOST_COLUMNS]
    if any(column.kind is ColumnKind.TEXT for column in features):
        raw, asked = text_trial.asked(table, aim, goal, features, time)
    else:
        matrix, labels = _sample(table, aim, goal, features, time)
        coded = [column.kind is ColumnKind.CATEGORY for column in features] or [False]
        raw, asked = _asked(matrix, labels, coded, len(goal.classes), time)
    rows = max(2, round(sum(goal.counts) * held_out))
    return FileTrial(
        prospects=tuple(expected_prospects(raw, asked, rows, RUNGS)),
        held_out=rows,
        error=float((raw.argmax(axis=1) != asked).mean()),
        by_class={} if goal.binary else quality_by_class(raw.argmax(axis=1), asked, goal.classes),
    )


def _sample(
    table: Table, aim: Column, goal: Target, features: Sequence[Column], time: Column | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return rows as numbers, in the order of the time if there is one, and their classes."""
    most = min(MOST_ROWS, max(FEWEST_ROWS, MOST_CELLS // max(1, len(features))))
    cells = ", ".join([aim.cell, *(_value(column) for column in features)])
    order = "" if time is None else f" ORDER BY {time.number}"
    known = "" if time is None else f" AND {time.number} IS NOT NULL"
    rows = table.connection.execute(
        f"SELECT {cells} FROM (SELECT * FROM {TABLE} WHERE {aim.cell} IS NOT NULL{known}"
        f" USING SAMPLE reservoir({most} ROWS) REPEATABLE ({_SEED})){order}"
    ).fetchall()
    columns = list(zip(*rows, strict=True))
    classes = {name: number for number, name in enumerate(goal.classes)}
    labels = np.array([classes[label_of(value)] for value in columns[0]], np.int64)
    numbers = [_numbers(column, values) for column, values in zip(features, columns[1:], strict=True)]
    return np.column_stack(numbers) if numbers else np.zeros((len(labels), 1)), labels


def _value(column: Column) -> str:
    number = column.kind in (ColumnKind.NUMBER, ColumnKind.INTEGER, ColumnKind.TIME)
    return f"({column.number})::DOUBLE" if number else f"{column.cell}::VARCHAR"


def _numbers(column: Column, values: Sequence[Any]) -> NDArray[np.float64]:
    """Return a column as numbers: categories and booleans as codes, missing values as NaN."""
    if column.kind in (ColumnKind.NUMBER, ColumnKind.INTEGER, ColumnKind.TIME):
        return np.array([np.nan if value is None else value for value in values], np.float64)
    codes = {value: code for code, value in enumerate(sorted({value for value in values if value is not None}))}
    return np.array([np.nan if value is None else codes[value] for value in values], np.float64)


def _asked(
    matrix: NDArray[np.float64], labels: NDArray[np.int64], coded: Sequence[bool], classes: int, time: Column | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return probabilities of rows by models that have not seen them, and the classes of these rows."""
    folds = np.random.default_rng(_SEED).permutation(np.arange(len(labels)) % FOLDS)
    if time is not None:
        folds = (np.arange(len(labels)) >= len(labels) * 3 // 4).astype(int)
    numbers = [1] if time is not None else range(FOLDS)
    raw = np.zeros((len(labels), classes))
    for number in numbers:
        raw[folds == number] = _fitted(matrix, labels, folds != number, folds == number, coded, classes)
    seen = np.isin(folds, list(numbers))
    return raw[seen], labels[seen]


def _fitted(
    matrix: NDArray[np.float64],
    labels: NDArray[np.int64],
    train: NDArray[np.bool_],
    ask: NDArray[np.bool_],
    coded: Sequence[bool],
    classes: int,
) -> NDArray[np.float64]:
    present, codes = np.unique(labels[train], return_inverse=True)
    found = np.full((int(ask.sum()), classes), 0.0)
    if len(present) == 1:
        found[:, present[0]] = 1.0
        return found
    task = {"objective": "binary"} if len(present) == 2 else {"objective": "multiclass", "num_class": len(present)}
    leaf = max(2, min(20, int(train.sum()) // 50))
    options = {**task, "learning_rate": 0.1, "num_leaves": _LEAVES, "min_data_in_leaf": leaf, "seed": _SEED}
    lightgbm = booster_library()
    data = lightgbm.Dataset(
        matrix[train], codes, categorical_feature=[at for at, one in enumerate(coded) if one], params={"verbose": -1}
    )
    booster = lightgbm.train(
        {**options, "num_threads": 1, "verbose": -1},
        data,
        num_boost_round=_TREES if train.sum() > _FEW else _TREES_OF_FEW,
    )
    answer = np.asarray(booster.predict(matrix[ask], num_threads=1))
    found[:, present] = np.column_stack((1.0 - answer, answer)) if answer.ndim == 1 else answer
    return found
