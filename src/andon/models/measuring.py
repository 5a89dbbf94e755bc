"""Measuring: held-out rows are split; some calibrate, the others are the evidence of the risk gate.

Rows that belong together (the payments of an account, the rows of a file) are often right or wrong together. They say
little more than one of them, so only one is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from andon.models import calibration, risk
from andon.models.manifest import Calibration, RiskEvidence
from andon.runtimes import Matrix

if TYPE_CHECKING:  # a gateway never draws, and so saves two megabytes
    from numpy.random import Generator

MOST_UNSEEN = 0.05
"""The part of the rows by which the largest groups may count for less than they are."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Held-out rows after measuring: which of them calibrate and which test, and the findings of each half."""

    fitted: Calibration
    calibrated: Matrix
    fitting: NDArray[np.int64]
    measuring: NDArray[np.int64]
    evidence: RiskEvidence


def one_a_group(groups: Iterable[object], rng: "Generator") -> NDArray[np.int64]:
    """Return the positions of the rows to keep, in order: at most one of each group, so that rows are independent.

    A group is kept with a probability in proportion to its rows, so that a share of the kept rows stands for that share
    of all rows, not of groups. The largest groups count as if they had fewer rows, `MOST_UNSEEN` of all rows together.
    A missing group (None or NaN) has only its own row.
    """
    numbers: dict[object, int] = {}
    own = [
        numbers.setdefault(at if group is None or group != group else ("group", group), len(numbers))
        for at, group in enumerate(groups)
    ]
    of_row = np.array(own, dtype=np.int64)
    sizes = np.bincount(of_row)
    _, firsts = np.unique(of_row[shuffled := rng.permutation(len(of_row))], return_index=True)
    return np.sort(shuffled[firsts[rng.random(len(sizes)) * _largest(sizes) < sizes]])


def groups_worth(sizes: Sequence[int]) -> float:
    """Return how many rows `one_a_group` keeps of groups of these sizes, on average."""
    found = np.array(sizes, dtype=np.int64)
    return float(np.minimum(found / _largest(found), 1.0).sum()) if len(found) else 0.0


def _largest(sizes: NDArray[np.int64]) -> int:
    """Return the least size beyond which groups have at most `MOST_UNSEEN` of all rows."""
    found = np.unique(sizes)
    beyond = [float(np.maximum(sizes - size, 0).sum()) for size in found]
    return int(found[np.array(beyond) <= MOST_UNSEEN * sizes.sum()].min(initial=found.max(initial=1)))


def measured(raw: Matrix, labels: NDArray[np.int64], rarest: float, rng: "Generator") -> Measured:
    """Calibrate on some randomly drawn rows, and count errors on the others.

    `rarest` is the share of the rarest class in training.
    """
    shuffled = rng.permutation(len(labels))
    fitting, measuring = np.split(shuffled, [calibration.rows_to_fit(len(labels), rarest)])
    fitted = calibration.fit(raw[fitting], labels[fitting])
    calibrated = calibration.Calibrator(fitted)(raw)
    confidence, wrong = calibrated.max(axis=1), calibrated.argmax(axis=1) != labels
    evidence = risk.evidence_of(confidence[fitting], confidence[measuring], wrong[measuring], wrong[fitting])
    return Measured(fitted, calibrated, fitting, measuring, evidence)
