"""E-detectors: a sum of wealths that bet on a change since each past moment (Shiryaev-Roberts.

Shin, Ramdas and Rinaldo 2022). R_t = (1 + R_{t-1}) e_t, where e_t is the product of a block's bets. While nothing
changes, R_t - t is a martingale, so that R passes c within T blocks with probability at most T / c, whenever one looks
(Doob), and 1 / a blocks pass on average before it passes 1 / a. All bets of a feature are mixed with equal weights.
"""

import numpy as np

from andon.statistics.bets import bets_on
from andon.statistics.dispersion import Dispersion
from andon.statistics.histograms import Counts, Histograms
from andon.statistics.two_samples import Floats

_LARGEST = 1e150


class EDetectors:
    """One detector per feature.

    `wealth` is R of each bet [features, bets]; `rise` and `began` estimate a change's start.
    """

    def __init__(self, reference: Histograms, dispersion: Dispersion) -> None:
        self._bets = bets_on(reference, dispersion)
        shape = self._bets.shape[:2]
        able = (self._bets != 0).any(axis=2)
        self._weights = able / np.maximum(able.sum(axis=1, keepdims=True), 1)
        self.wealth = np.zeros(shape)
        self.rise = np.zeros(shape)
        self.began = np.zeros(shape, dtype=np.int64)

    def update(self, counts: Counts, first: int) -> Floats:
        """Follow blocks [blocks, features, width], the first numbered `first`; return the mixed R after each."""
        steps = np.empty((len(counts), *self.wealth.shape))
        for feature, bets in enumerate(self._bets):
            steps[:, feature] = counts[:, feature].astype(float) @ bets.T
        levels = np.empty(counts.shape[:2])
        for at, step in enumerate(steps):
            self.wealth = np.minimum((1 + self.wealth) * np.exp(np.minimum(step, 300.0)), _LARGEST)
            fresh = self.rise <= 0
            self.began = np.where(fresh, first + at, self.began)
            self.rise = np.where(fresh, 0.0, self.rise) + step
            levels[at] = (self.wealth * self._weights).sum(axis=1)
        return levels

    def start_of(self, feature: int) -> int:
        """Return the number of the block in which the change of a feature most likely began (Page 1954)."""
        return int(self.began[feature, int(np.argmax(self.rise[feature]))])

    def restart(self, feature: int) -> None:
        """Forget what was seen of a feature."""
        self.wealth[feature] = self.rise[feature] = 0.0
