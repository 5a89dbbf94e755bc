"""Streams with injected drift, made of tables from scikit-learn and river, after the protocol of arXiv 2606.07789.

Each episode shuffles a table, trains a model on the first fifth, keeps the second fifth as a reference, and watches the
rest. At a random moment the drift begins, suddenly or growing over a width: features are permuted, rows above a
feature's median are left out, a class becomes rare, or two classes change places. Detectors watch the features, the
model's score and its errors.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

MOST_ROWS = 4000
DIGIT_COLUMNS = 16
KINDS = ("permuted features", "rows left out", "rare class", "swapped classes")
LEFT_OUT = 0.75
PART = 0.2
MOST_DELAY = 1000


@dataclass(frozen=True, slots=True)
class Episode:
    """One stream: values [rows, columns] of the reference and of the watched rows, with their places in the table.

    `own` columns of the reference are those whose values the model's training rows also contain: the features. A drift
    found between `start` and `end` plus `delay` is found in time.
    """

    table: str
    kind: str
    gradual: bool
    training: Floats
    reference: Floats
    watched: Floats
    places: NDArray[np.int64]
    start: int
    end: int
    delay: int


def tables(exported: Mapping[str, NDArray[np.float64]]) -> dict[str, tuple[Floats, NDArray[np.int64]]]:
    """Collect the tables: those that river exported, and the digits of scikit-learn by their most varied pixels."""
    from sklearn.datasets import load_digits

    found = {
        name[:-2]: (exported[name].astype(float), exported[f"{name[:-2]}_y"].astype(np.int64))
        for name in exported
        if name.endswith("_x")
    }
    digits = load_digits()
    varied = np.sort(np.argsort(-digits.data.var(axis=0), kind="stable")[:DIGIT_COLUMNS])
    found["digits"] = (digits.data[:, varied], digits.target.astype(np.int64))
    return found


def episodes(
    found: Mapping[str, tuple[Floats, NDArray[np.int64]]], trials: int, rng: np.random.Generator
) -> Iterator[Episode]:
    """Draw episodes of every table, kind of drift and pace."""
    for name, (x, y) in found.items():
        for kind in KINDS:
            for gradual in (False, True):
                for _ in range(trials):
                    yield _episode(name, x, y, kind, gradual, rng)


def _episode(name: str, x: Floats, y: NDArray[np.int64], kind: str, gradual: bool, rng: np.random.Generator) -> Episode:
    order = rng.permutation(len(x))[:MOST_ROWS]
    x, y = x[order].copy(), y[order].copy()
    rows = len(x)
    part = int(rows * PART)
    delay = min(MOST_DELAY, part)
    start = int(rows * rng.uniform(0.5, 0.6 if gradual else 0.8))
    end = start + (delay if gradual else 0)
    places = np.arange(rows)
    progress = np.clip((places - start) / max(end - start, 1), 0, 1) if gradual else (places >= start).astype(float)
    drifted = rng.random(rows) < progress
    model = _model(x[:part], y[:part])
    kept = _inject(kind, x, y, drifted, rng)
    scores, errors = _judged(model, x, y)
    values = np.column_stack((x, scores, errors))
    watched = kept & (places >= 2 * part) & (places <= end + delay)
    return Episode(
        name, kind, gradual, values[:part], values[part : 2 * part], values[watched], places[watched], start, end, delay
    )


def _inject(
    kind: str, x: Floats, y: NDArray[np.int64], drifted: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Change the drifted rows in place; return which rows are kept."""
    kept = np.ones(len(x), dtype=np.bool_)
    classes = np.unique(y)
    one, other = rng.choice(classes, 2, replace=False)
    if kind == "permuted features":
        permutation = rng.permutation(x.shape[1])
        while (permutation == np.arange(x.shape[1])).all():
            permutation = rng.permutation(x.shape[1])
        x[drifted] = x[drifted][:, permutation]
    elif kind == "rows left out":
        varied = np.flatnonzero(x.max(axis=0) > np.median(x, axis=0))
        column = rng.choice(varied)
        kept = ~(drifted & (x[:, column] > np.median(x[:, column])))
    elif kind == "rare class":
        kept = ~(drifted & (y == one) & (rng.random(len(x)) < LEFT_OUT))
    else:
        first, second = drifted & (y == one), drifted & (y == other)
        y[first], y[second] = other, one
    return kept


def _model(x: Floats, y: NDArray[np.int64]):  # type: ignore[no-untyped-def]
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(60, min_samples_leaf=3, random_state=0, n_jobs=1).fit(x, y)


def _judged(model, x: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:  # type: ignore[no-untyped-def]
    """Return the score of each row's predicted class, and whether the prediction is wrong."""
    probabilities = model.predict_proba(x)
    chosen = model.classes_[probabilities.argmax(axis=1)]
    return probabilities.max(axis=1), (chosen != y).astype(float)
