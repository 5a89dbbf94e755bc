"""The tables that `onboarding` starts from: columns by name, the target included, from libraries or drawn by a seed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

ROWS, HELD_OUT = 4_000, 2_000
"""Rows of a generated file, and held-out rows that its project never sees."""

START = datetime(2025, 1, 1, tzinfo=UTC)

_COUNTRIES, _CHANNELS = ("DE", "FR", "US", "XK"), ("web", "app", "branch")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns in order, whose names may repeat; the first `file_rows` rows go to the file, the others are held out."""

    names: tuple[str, ...]
    columns: tuple[Sequence[Any], ...]
    file_rows: int

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self.columns[self.names.index(name)]

    def put(self, name: str, values: Sequence[Any], *, at: int | None = None) -> "Table":
        """Replace a column, or add one: at the end or at a place."""
        if name in self.names:
            place = self.names.index(name)
            columns = (*self.columns[:place], values, *self.columns[place + 1 :])
            return Table(self.names, columns, self.file_rows)
        place = len(self.names) if at is None else at
        names = (*self.names[:place], name, *self.names[place:])
        return Table(names, (*self.columns[:place], values, *self.columns[place:]), self.file_rows)

    def rename(self, old: str, new: str) -> "Table":
        """Give a column another name, which may already exist."""
        return Table(tuple(new if name == old else name for name in self.names), self.columns, self.file_rows)

    def rows(self, *, held_out: bool) -> Iterator[tuple[Any, ...]]:
        """Return the rows of one side."""
        part = slice(self.file_rows, None) if held_out else slice(self.file_rows)
        return zip(*(column[part] for column in self.columns), strict=True)


Draw: TypeAlias = np.random.Generator
Make: TypeAlias = Callable[[Draw], Table]


def of_matrix(matrix: NDArray[Any], labels: Sequence[Any], file_rows: int, draw: Draw | None = None) -> Table:
    """Make a table of a matrix, with columns x0, x1, ... and y; shuffled if a generator is given."""
    order = np.arange(len(labels)) if draw is None else draw.permutation(len(labels))
    columns = [[round(float(value), 6) for value in matrix[order, at]] for at in range(matrix.shape[1])]
    names = (*(f"x{at}" for at in range(matrix.shape[1])), "y")
    return Table(names, (*columns, [labels[at] for at in order]), file_rows)


def bundled(name: str) -> Make:
    """Make a table of a data set that scikit-learn carries; three in ten rows are held out."""

    def make(draw: Draw) -> Table:
        from sklearn import datasets

        data = getattr(datasets, f"load_{name}")()
        named = getattr(data, "target_names", None)
        labels = [float(one) for one in data.target] if named is None else [str(named[one]) for one in data.target]
        return of_matrix(data.data, labels, round(0.7 * len(labels)), draw)

    return make


def made(maker: str, **options: Any) -> Make:
    """Make a table by one of scikit-learn's generators of samples."""

    def make(draw: Draw) -> Table:
        from sklearn import datasets

        sized = options if "n_samples" in options else {"n_samples": ROWS + HELD_OUT, **options}
        matrix, labels = getattr(datasets, f"make_{maker}")(random_state=int(draw.integers(2**31)), **sized)
        whole = np.issubdtype(labels.dtype, np.integer) or len(np.unique(labels)) < 20
        spelled = [f"c{int(one)}" if whole else round(float(one), 4) for one in labels]
        return of_matrix(matrix, spelled, ROWS * len(spelled) // (ROWS + HELD_OUT))

    return make


def loans(rows: int = ROWS, held_out: int = HELD_OUT, *, sharp: float = 6.0, shift: float = 0.6) -> Make:
    """Make loans, whose default depends on the amount, the income, the country and whether the customer is new."""

    def make(draw: Draw) -> Table:
        n = rows + held_out
        amount, income = np.round(draw.lognormal(4, 1, n), 2), np.round(draw.lognormal(8, 0.5, n), 2)
        country, channel = draw.choice(_COUNTRIES, n), draw.choice(_CHANNELS, n)
        new = draw.random(n) < 0.3
        risk = np.log(amount) - 4 + 1.5 * (country == "XK") - 0.8 * (np.log(income) - 8) + 0.5 * new - shift
        bad = draw.random(n) < 1 / (1 + np.exp(-sharp * risk))
        columns: dict[str, Sequence[Any]] = {
            "amount": amount.tolist(),
            "income": income.tolist(),
            "age": draw.integers(18, 80, n).tolist(),
            "country": country.tolist(),
            "channel": channel.tolist(),
            "is_new": ["yes" if one else "no" for one in new],
            "bad": ["yes" if one else "no" for one in bad],
        }
        return Table(tuple(columns), tuple(columns.values()), rows)

    return make


def moments(draw: Draw, rows: int, *, minutes: float = 10.0) -> list[datetime]:
    """Draw the times of consecutive rows, to the second."""
    passed = np.cumsum(draw.exponential(60 * minutes, rows) + 1)
    return [START + timedelta(seconds=int(one)) for one in passed]
