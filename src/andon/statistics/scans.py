"""Scans: the mean normal score of the last thousand decisions of each ordered feature, checked after every block.

Of all procedures a moving mean finds a lasting shift most often within its own length (Guepie, Fillatre and Nikiforov
2012). Its threshold is for all looks of a period: they overlap, and the chance that a moving mean of standard deviation
1 passes z is about T/W z phi(z) nu(z sqrt(2/w)), for T decisions, windows of W and of w blocks (Siegmund and
Venkatraman 1995).
"""

from math import exp, pi, sqrt

import numpy as np

from andon.statistics.bets import reference_scores
from andon.statistics.blocks import BLOCK
from andon.statistics.dispersion import Dispersion
from andon.statistics.histograms import Counts, Histograms
from andon.statistics.two_samples import Floats, signed_root

WINDOW = 1000
"""Decisions in a window."""

KEPT = WINDOW // BLOCK
LEAST = 200
"""Fewer present values of a window than this are not judged."""

_GRID = 401


class MovingMeans:
    """Sums of scores and present values of the last blocks, [KEPT, features, 2], oldest first."""

    def __init__(self, reference: Histograms, dispersion: Dispersion) -> None:
        self._scores = reference_scores(reference)
        present = reference.counts[:, :-2].sum(axis=1).astype(float)
        self._known = np.where((self._scores != 0).any(axis=1), present, 0.0)
        self._deviation = np.sqrt(dispersion.mean.value)
        self._grid, self._roots = _roots(reference, self._scores)
        self._is_present = (np.arange(reference.binning.width) <= reference.binning.sizes[:, None] + 1).astype(float)
        self.kept = np.zeros((KEPT, len(self._scores), 2))

    def update(self, counts: Counts) -> Floats:
        """Follow blocks [blocks, features, width]; return the standardised mean of each feature after each block."""
        sums = np.stack(
            (np.einsum("tfc,fc->tf", counts, self._scores), np.einsum("tfc,fc->tf", counts, self._is_present)), axis=2
        )
        all_ = np.concatenate((self.kept, sums))
        self.kept = all_[-KEPT:]
        running = np.cumsum(np.concatenate((np.zeros((1, *all_.shape[1:])), all_)), axis=0)
        windows = (running[KEPT:] - running[:-KEPT])[1:]
        return self._standardised(windows)

    def effect_of(self, feature: int) -> float:
        """Return the shift of a feature's mean score in standard deviations, over the last window."""
        total, present = self.kept[:, feature].sum(axis=0)
        return float(total / max(present, 1.0))

    def restart(self, feature: int) -> None:
        """Forget what was seen of a feature."""
        self.kept[:, feature] = 0.0

    def _standardised(self, windows: Floats) -> Floats:
        present = windows[..., 1]
        mean = windows[..., 0] / np.maximum(present, 1.0)
        root = np.empty_like(mean)
        for at in range(mean.shape[1]):
            root[:, at] = np.interp(mean[:, at], self._grid[at], self._roots[at])
        both = np.sqrt(present * self._known / np.maximum(present + self._known, 1.0))
        return np.where((present >= LEAST) & (self._known > 0), root * both / self._deviation, 0.0)


def threshold(false_alarm: float, decisions: int, features: int) -> float:
    """Compute the z that any of the features passes with this probability within a period of unchanged decisions."""
    low, high = 2.0, 30.0
    for _ in range(60):
        z = (low + high) / 2
        density = exp(-z * z / 2) / sqrt(2 * pi)
        looks = max(decisions / WINDOW, 1.0) * z * z * _overshoot(z * sqrt(2 / KEPT)) + 1
        passed = 2 * features * density / z * looks
        low, high = (z, high) if passed > false_alarm else (low, z)
    return high


def _overshoot(x: float) -> float:
    """Siegmund's nu, to two digits (Siegmund 1985, 4.38)."""
    return exp(-0.583 * x)


def _roots(reference: Histograms, scores: Floats) -> tuple[Floats, Floats]:
    """Signed roots of the likelihood ratio over a grid of mean scores of each feature."""
    counts = np.where(reference.binning.inside, reference.counts, 0).astype(float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    low = np.where(share > 0, scores, 0.0).min(axis=1)
    high = np.where(share > 0, scores, 0.0).max(axis=1)
    grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _GRID) + 1e-12 * np.arange(_GRID)
    usable = high > low
    wide = np.repeat(np.where(usable[:, None], scores, 0.0), _GRID, axis=0)
    roots = signed_root(wide, np.repeat(share, _GRID, axis=0), np.where(usable[:, None], grid, 0.0).ravel())
    return grid, np.where(usable[:, None], roots.reshape(grid.shape), 0.0)
