"""The sequence in which thresholds are tested, from narrow regions to wide ones, and where it stops.

Fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021) needs no correction for the number of thresholds. It
begins where planned counts suffice. A second, wider and a third, narrower beginning have a small part of the level; a
sequence that reaches the next beginning hands its part on (the fallback procedure, Wiens 2003). Bisection is not
possible: the loss of an automatic part is not monotone in the threshold.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from andon.statistics.betting import Floats

ENOUGH: Final = 3.0
"""The start of the main sequence, in multiples of the fewest rows that prove anything: a few errors do not end it."""

FIRST_SHARE: Final = 0.25
"""Where it begins when there are never enough held-out rows: the share of decisions above the threshold."""

BEGINNINGS: Final = ((1.0, 0.75), (2.0, 0.15), (0.25, 0.1))
"""Where sequences begin, in multiples of the main one's rows, and their parts of the level; the main one first."""


class Beginning(NamedTuple):
    """The row of a threshold at which a sequence begins, and its part of the level."""

    row: int
    part: float


def beginnings_of(planned: Floats, fewest: int) -> tuple[Beginning, ...]:
    """Choose where sequences begin from the rows `planned` above each threshold: from nothing that is tested."""
    if not len(planned):
        return ()
    enough = ENOUGH * fewest if planned[-1] >= ENOUGH * fewest else FIRST_SHARE * planned[-1]
    reached = [(multiple, part) for multiple, part in BEGINNINGS if planned[-1] >= enough * multiple]
    whole = sum(part for _, part in reached)
    return tuple(Beginning(int(np.argmax(planned >= enough * multiple)), part / whole) for multiple, part in reached)


def proven_rows(
    scores: Floats, beginnings: tuple[Beginning, ...], level: float, held: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which thresholds are proven, by walking down the sequences.

    A score is the logarithm of the inverse of the level at which a threshold is proven; one that is `held` stays
    proven.
    """
    proven = np.zeros(len(scores), np.bool_)
    parts = np.zeros(len(scores))
    for beginning in beginnings:
        parts[beginning.row] += beginning.part
    carried = 0.0
    for row in range(min((beginning.row for beginning in beginnings), default=len(scores)), len(scores)):
        carried += parts[row]
        proven[row] = carried > 0.0 and (held[row] or scores[row] >= -np.log(level * carried))
        carried = carried if proven[row] else 0.0
    return proven
