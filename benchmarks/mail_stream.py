"""Figures of decided mails: the automatic share, its errors, and what an oracle allows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.mail_side import TARGET


@dataclass(frozen=True, slots=True)
class Stream:
    """Decided mails: how confident each prediction was, whether it was acted on, and whether it was wrong."""

    confidence: NDArray[np.float64]
    automatic: NDArray[np.bool_]
    wrong: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """The automatic share."""
        return float(self.automatic.mean()) if len(self.automatic) else 0.0

    @property
    def errors(self) -> int:
        """The wrong ones of the automatic mails."""
        return int(self.wrong[self.automatic].sum())

    @property
    def error(self) -> float:
        """The error of the automatic part; 0 if there is none."""
        return float(self.wrong[self.automatic].mean()) if self.automatic.any() else 0.0

    def part(self, first: int, last: int | None = None) -> "Stream":
        """Return a part of the stream."""
        return Stream(self.confidence[first:last], self.automatic[first:last], self.wrong[first:last])

    def then(self, later: "Stream") -> "Stream":
        """Return this stream and a later one as one."""
        both = ((getattr(self, name), getattr(later, name)) for name in ("confidence", "automatic", "wrong"))
        return Stream(*map(np.concatenate, both))


def mails_until_back(stream: Stream) -> int | None:
    """Return after how many mails the automatic part keeps the target for the whole rest.

    None if it never does, or if nothing of that rest is automatic: sending all mails to people does not count.
    """
    starts = range(len(stream.wrong))
    return next((first for first in starts if _keeps_target(stream.part(first))), None)


def by_oracle(stream: Stream) -> float:
    """Return the automatic share of an oracle that knows all errors and chooses one threshold."""
    order = np.argsort(-stream.confidence, kind="stable")
    errors = np.cumsum(stream.wrong[order]) / np.arange(1, len(order) + 1)
    within = np.flatnonzero(errors <= TARGET)
    return float(within[-1] + 1) / len(order) if len(within) else 0.0


def _keeps_target(stream: Stream) -> bool:
    return bool(stream.automatic.any()) and stream.error <= TARGET
