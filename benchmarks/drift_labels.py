"""Label-free AUC compared with the true one, and with repeating the AUC of the reference.

`markets`: five years of daily returns of ten stocks, which really drift. Will the next day's move be large? Here the
meaning of the inputs changes too, which scores cannot show; labels of the window before silence an estimate they
reject. `left_out`: tables whose rows above a feature's median are left out, one feature after the other, so that only
inputs change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.models.calibration import Calibrator, fit
from andon.statistics.calibration_test import check_calibration
from andon.statistics.label_free import LabelFree, estimate
from andon.statistics.scores import LabelledScores, ScoreSums
from benchmarks.drift_streams import MOST_ROWS

Floats: TypeAlias = NDArray[np.float64]

TRAINED_DAYS, REFERENCE_DAYS, WINDOW_DAYS = 300, 200, 60
HISTORY = (1, 5, 20, 60)
LARGE = 0.8
"""A move is large when it is above this share of the moves of the first days."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window: the true AUC, the label-free estimate, and the reference's AUC."""

    rows: int
    true: float
    found: LabelFree
    naive: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Windows with an estimate and without; mean absolute errors of estimated and repeated AUC; correct intervals."""

    windows: int
    silent: int
    error: float | None
    naive_error: float | None
    covered: float | None


def markets(returns: Floats) -> list[Window]:
    """Train, calibrate on reference days, and estimate each following window of ten stocks by sixty days."""
    x, y, day = _table(returns)
    held_out = (day >= TRAINED_DAYS) & (day < TRAINED_DAYS + REFERENCE_DAYS)
    scored = _Scored(x, y, day < TRAINED_DAYS, held_out)
    before = held_out & (day >= TRAINED_DAYS + REFERENCE_DAYS - WINDOW_DAYS)
    found = []
    for first in range(TRAINED_DAYS + REFERENCE_DAYS, int(day.max()) - WINDOW_DAYS + 2, WINDOW_DAYS):
        inside = (day >= first) & (day < first + WINDOW_DAYS)
        found.append(scored.window(inside, before))
        before = inside
    return found


def left_out(tables: Mapping[str, tuple[Floats, NDArray[np.int64]]], rng: np.random.Generator) -> list[Window]:
    """Estimate windows without the rows above the median of each feature, in every table of two classes."""
    found = []
    for x, y in tables.values():
        if len(np.unique(y)) != 2:
            continue
        order = rng.permutation(len(x))[:MOST_ROWS]
        x, y = x[order], y[order] == y.max()
        part = np.arange(len(x)) * 3 // len(x)
        scored = _Scored(x, y, part == 0, part == 1)
        for column in range(x.shape[1]):
            inside = (part == 2) & (x[:, column] <= np.median(x[:, column]))
            if min(y[inside].sum(), (~y[inside]).sum()) >= 10:
                found.append(scored.window(inside, None))
    return found


class _Scored:
    """A table with calibrated scores of a model trained on some of its rows."""

    def __init__(
        self, x: Floats, y: NDArray[np.bool_], trained: NDArray[np.bool_], held_out: NDArray[np.bool_]
    ) -> None:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.metrics import roc_auc_score

        model = RandomForestClassifier(200, min_samples_leaf=10, random_state=0, n_jobs=1).fit(x[trained], y[trained])
        held = np.flatnonzero(held_out)
        fitting, measuring = held[::4], np.delete(held, np.s_[::4])
        calibrate = Calibrator(fit(model.predict_proba(x[fitting]), y[fitting].astype(np.int64)))
        self._y, self._auc = y, roc_auc_score
        self._scores = calibrate(model.predict_proba(x))[:, 1]
        self._measured = LabelledScores.of(self._scores[measuring], y[measuring].astype(np.bool_))
        self._naive = float(roc_auc_score(y[held_out], self._scores[held_out]))

    def window(self, inside: NDArray[np.bool_], labelled: NDArray[np.bool_] | None) -> Window:
        """Estimate the rows inside; labels are known for others, or for none."""
        scores = self._scores[inside]
        check = None
        if labelled is not None:
            check = check_calibration(LabelledScores.of(self._scores[labelled], self._y[labelled]))
        found = estimate(ScoreSums.of(scores, scores > 0.5), self._measured, check)
        return Window(int(inside.sum()), float(self._auc(self._y[inside], scores)), found, self._naive)


def _table(returns: Floats) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Mean moves of the stock and of all over the last days, whether tomorrow's move is a large one, and the day."""
    moves = np.abs(returns)
    large = np.quantile(moves[:TRAINED_DAYS], LARGE)
    days = range(max(HISTORY), len(moves) - 1)
    own = np.array([[moves[at + 1 - span : at + 1].mean(axis=0) for span in HISTORY] for at in days])
    market = np.broadcast_to(own.mean(axis=2, keepdims=True), own.shape)
    x = np.concatenate((own, market), axis=1)
    y = np.array([moves[at + 1] > large for at in days])
    count, stocks = y.shape
    return x.transpose(0, 2, 1).reshape(-1, x.shape[1]), y.ravel(), np.repeat(np.arange(count), stocks)


def summary(found: Sequence[Window]) -> Summary:
    """Summarise windows; a window without an estimate counts as silent."""
    told = [(one, one.found.estimates["roc_auc"]) for one in found if "roc_auc" in one.found.estimates]
    return Summary(
        windows=len(told),
        silent=len(found) - len(told),
        error=float(np.mean([abs(auc.value - one.true) for one, auc in told])) if told else None,
        naive_error=float(np.mean([abs(one.naive - one.true) for one, _ in told])) if told else None,
        covered=float(np.mean([auc.low <= one.true <= auc.high for one, auc in told])) if told else None,
    )
