"""Blocks: twenty consecutive decisions, the unit of a detector's looks. A block may be filled by several calls."""

import numpy as np

from andon.statistics.histograms import Binning, Cells, Counts

BLOCK = 20
"""Decisions in a block."""


class BlockCounter:
    """Counts cells [rows, features] into full blocks, and keeps the rows of the block that is not full yet."""

    def __init__(self, binning: Binning) -> None:
        self.pending: Cells = np.empty((0, len(binning.features)), dtype=np.intp)
        self._shape = len(binning.features), binning.width

    def add(self, cells: Cells) -> Counts:
        """Add rows; return the counts of every block that they fill, [blocks, features, width]."""
        rows = np.concatenate((self.pending, cells))
        full = len(rows) // BLOCK
        self.pending = rows[full * BLOCK :]
        return self._counts(rows[: full * BLOCK], full)

    def _counts(self, rows: Cells, full: int) -> Counts:
        features, width = self._shape
        block = np.repeat(np.arange(full), BLOCK)[:, None] * (features * width)
        flat = rows + np.arange(features) * width + block
        counts = np.bincount(flat.ravel(), minlength=full * features * width)
        return counts.reshape(full, features, width).astype(np.int64)
