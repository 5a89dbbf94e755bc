"""Window gain: a quick model with and without further values, compared on the newest rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andon.scaffold.domain import Column, ColumnKind, Target
from andon.scaffold.target import label_of

MOST_ROWS = 20_000
MOST_COLUMNS = 50
FEWEST_OF_CLASS = 10
"""Rows of each class on either side of the split."""

_HELD_OUT = 0.25
_TREES = 100
_DRAWS = 200
_SURE = 5.0
"""Percent of the draws that may show no gain."""
_LEAST = 0.002
_SEED = 42


@dataclass(frozen=True, slots=True)
class WindowGain:
    """One measure on the same held-out rows, without and with the further values; None where it cannot be measured."""

    measure: str
    without: float | None
    with_it: float | None
    rows: int
    gains: bool


def cell_of(column: Column) -> str:
    """Return the SQL of a column's value as the quick model reads it."""
    return column.cell if column.kind in (ColumnKind.CATEGORY, ColumnKind.BOOLEAN) else str(column.number)


def compare(
    rows: Sequence[Sequence[Any]],
    further: Sequence[Sequence[Any]],
    labels: Sequence[Any],
    categorical: Sequence[bool],
    goal: Target,
) -> WindowGain:
    """Return how well the newest quarter of these rows, the oldest first, is predicted without and with `further`."""
    measure = "area under the curve" if goal.binary else "share of correct predictions"
    codes = {name: code for code, name in enumerate(goal.classes)}
    truth = np.array([codes[label_of(label)] for label in labels])
    cut = round(len(rows) * (1 - _HELD_OUT))
    held = truth[cut:]
    if any(np.bincount(part, minlength=len(codes)).min() < FEWEST_OF_CLASS for part in (truth[:cut], held)):
        return WindowGain(measure, None, None, len(held), gains=False)
    plain = _matrix(rows, categorical)
    both = np.column_stack([plain, np.array(further, dtype=np.float64)])
    named = [at for at, one in enumerate(categorical) if one]
    before, after = (_guess(matrix, truth[:cut], cut, named, len(codes)) for matrix in (plain, both))
    gains = _gains(before, after, held, binary=goal.binary)
    return WindowGain(
        measure, _measure(before, held, goal.binary), _measure(after, held, goal.binary), len(held), gains=gains
    )


def _matrix(rows: Sequence[Sequence[Any]], categorical: Sequence[bool]) -> NDArray[np.float64]:
    columns = []
    for cells, coded in zip(zip(*rows, strict=True), categorical, strict=True):
        if coded:
            known = {value: code for code, value in enumerate(sorted({str(c) for c in cells if c is not None}))}
            columns.append([np.nan if c is None else known[str(c)] for c in cells])
        else:
            columns.append([np.nan if c is None else c for c in cells])
    return np.array(columns, dtype=np.float64).T


def _guess(
    matrix: NDArray[np.float64], truth: NDArray[Any], cut: int, categorical: list[int], classes: int
) -> NDArray[np.float64]:
    """Return the probabilities of the held-out rows."""
    import lightgbm

    settings: dict[str, Any] = {
        "learning_rate": 0.1,
        "num_leaves": 15,
        "num_threads": 1,
        "seed": _SEED,
        "verbosity": -1,
    }
    settings |= {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    rows = lightgbm.Dataset(matrix[:cut], truth, categorical_feature=categorical, params={"verbosity": -1})
    guesses = np.asarray(lightgbm.train(settings, rows, num_boost_round=_TREES).predict(matrix[cut:]), dtype=np.float64)
    return np.column_stack([1 - guesses, guesses]) if classes == 2 else guesses


def _measure(guesses: NDArray[np.float64], truth: NDArray[Any], binary: bool) -> float:
    if not binary:
        return float((guesses.argmax(axis=1) == truth).mean())
    return _area(guesses[:, 1], truth == 1)


def _area(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve; ties count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    of = int(positive.sum())
    return float((ranks[positive].sum() - of * (of + 1) / 2) / (of * (len(scores) - of)))


def _gains(before: NDArray[np.float64], after: NDArray[np.float64], truth: NDArray[Any], *, binary: bool) -> bool:
    """Return whether the gain appears in nearly all draws of the held-out rows, and is large enough."""
    if _measure(after, truth, binary) - _measure(before, truth, binary) < _LEAST:
        return False
    rng = np.random.default_rng(_SEED)
    differences = []
    for _ in range(_DRAWS):
        drawn = rng.integers(0, len(truth), len(truth))
        if binary and len(np.unique(truth[drawn])) < 2:
            continue
        differences.append(_measure(after[drawn], truth[drawn], binary) - _measure(before[drawn], truth[drawn], binary))
    return bool(np.percentile(differences, _SURE) > 0)
