"""Label-free AUC beside the true one on a table whose inputs really drift: five years of daily returns of ten stocks.

Will the next day's move be large? A model learns that from the first days by how much the stock moved of late; calm and
stormy months follow. Each window's AUC is estimated from scores alone, and by repeating the AUC of the reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.models.calibration import Calibrator, fit
from andon.statistics.label_free import LabelFree, estimate
from andon.statistics.scores import ScoreSums

Floats: TypeAlias = NDArray[np.float64]

TRAINED_DAYS, REFERENCE_DAYS, WINDOW_DAYS = 300, 200, 60
HISTORY = (1, 5, 20, 60)
LARGE = 0.8
"""A move is large when it is above this share of the moves of the first days."""

BINS = 50


@dataclass(frozen=True, slots=True)
class Window:
    """One window: the true AUC, the label-free estimate, and the reference's AUC."""

    rows: int
    true: float
    found: LabelFree
    naive: float


def windows(returns: Floats) -> list[Window]:
    """Train, calibrate on reference days, and estimate each following window of ten stocks by sixty days."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    x, y, day = _table(returns)
    trained = day < TRAINED_DAYS
    held_out = (day >= TRAINED_DAYS) & (day < TRAINED_DAYS + REFERENCE_DAYS)
    model = RandomForestClassifier(300, min_samples_leaf=20, random_state=0, n_jobs=1).fit(x[trained], y[trained])
    calibrate = Calibrator(fit(model.predict_proba(x[held_out]), y[held_out].astype(np.int64)))
    scores = calibrate(model.predict_proba(x))[:, 1]
    known = np.histogram(scores[held_out], np.linspace(0, 1, BINS + 1))[0].tolist()
    naive = float(roc_auc_score(y[held_out], scores[held_out]))
    found = []
    for first in range(TRAINED_DAYS + REFERENCE_DAYS, int(day.max()) - WINDOW_DAYS + 2, WINDOW_DAYS):
        inside = (day >= first) & (day < first + WINDOW_DAYS)
        sums = ScoreSums.of(scores[inside], scores[inside] > 0.5)
        true = float(roc_auc_score(y[inside], scores[inside]))
        found.append(Window(int(inside.sum()), true, estimate(sums, known), naive))
    return found


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


def errors(found: Sequence[Window]) -> tuple[float, float, float, int]:
    """Mean absolute errors of the label-free and of the naive AUC, the share of intervals that hold the truth, and windows with an estimate."""
    told = [one for one in found if "roc_auc" in one.found.estimates]
    auc = [one.found.estimates["roc_auc"] for one in told]
    own = float(np.mean([abs(a.value - one.true) for a, one in zip(auc, told, strict=True)]))
    naive = float(np.mean([abs(one.naive - one.true) for one in told]))
    inside = float(np.mean([a.low <= one.true <= a.high for a, one in zip(auc, told, strict=True)]))
    return own, naive, inside, len(told)
