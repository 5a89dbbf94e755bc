"""The sequence in which thresholds are tested, from narrow regions to wide ones, and where it stops.

Fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021) needs no correction for the number of thresholds. It
begins where planned counts suffice; with few rows it begins wide, so that all of them count. A second, wider and a
third, narrower beginning have a small part of the level; a sequence that reaches the next beginning hands its part on
(the fallback procedure, Wiens 2003). Nothing is searched by halves: the loss of an automatic part is not monotone in
the threshold.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from andon.statistics.betting import Floats
from andon.statistics.binomial import log_tail, most_errors

ENOUGH: Final = 3.0
"""The start of the main sequence, in multiples of the fewest rows that prove anything: a few errors do not end it."""

FEW: Final = 0.7
"""The share of the held-out rows that the first test uses where they are few.

Of 0.5 to 0.7 with one or two beginnings, and of fixed multiples from 1.1 to 2.2, this kept the widest region on
simulated lines with 1.2 to 4.5 times the fewest rows that prove anything; with more rows than that the rules agree.
"""

SPARE: Final = 1.05
"""The least that a first test has, in multiples of the fewest rows: planned counts are estimates."""

FIRST_SHARE: Final = 0.25
"""The share of decisions above the first threshold where held-out rows prove nothing by themselves."""

HOPELESS: Final = 0.1
"""The chance below which the wide first test is given up, as rows that are not tested foresee it.

Of 0.05 to 0.25, with the whole level or a part of it for the other test, this kept the widest regions on simulated
lines whose surest part alone is good, and changed nothing on others.
"""

NARROW_PART: Final = 0.1
"""The part of the level of a narrow first test beside the wide one."""

WIDE_PART: Final = 0.6
"""The part of the level of the wide beginning where rows are few; a narrow one, for labels to come, has the rest."""

BEGINNINGS: Final = ((1.0, 0.75), (2.0, 0.15), (0.25, 0.1))
"""Where sequences begin, in multiples of the main one's rows, and their parts of the level; the main one first."""


class Beginning(NamedTuple):
    """The row of a threshold at which a sequence begins, and its part of the level."""

    row: int
    part: float


def first_rows(total: float, fewest: float) -> float | None:
    """Choose how many rows the first test has, of `total` that are planned; None if no test could prove anything."""
    if total < SPARE * fewest:
        return None
    return min(ENOUGH * fewest, max(SPARE * fewest, FEW * total))


def held_out_starts(total: float, target: float, level: float) -> tuple[tuple[float, float], ...]:
    """Choose the row counts of a table's first tests, each with its part of the level, where no labels will follow.

    The narrow one is for a model that is right only where it is surest; it costs a good model next to nothing.
    """
    wide = first_rows(total, math.log(level) / math.log1p(-target))
    narrow = SPARE * math.log(level * NARROW_PART) / math.log1p(-target)
    if wide is None:
        return ((total, 1.0),)
    return ((narrow, NARROW_PART), (wide, 1.0 - NARROW_PART)) if narrow < wide else ((wide, 1.0),)


def foreseen_start(
    planned: Sequence[int], foreseen: Sequence[tuple[int, int]], wide: Beginning, target: float, level: float
) -> int | None:
    """Choose the row of the only test where the wide one is foreseen to fail; None to keep the usual beginnings.

    `foreseen` are rows that are not tested, and their errors, above each threshold. A choice by them costs no level:
    the tested rows are independent of it. Chosen is the narrower region that is likeliest to be proven; of equally
    likely ones the narrowest, from which the sequence walks on.
    """

    def chance(row: int, part: float = 1.0) -> float:
        allowed = most_errors(planned[row], target, level * part)
        rows, errors = foreseen[row]
        return 0.0 if allowed is None else math.exp(log_tail(allowed, planned[row], (errors + 0.5) / (rows + 1)))

    usual = chance(*wide)
    if usual >= HOPELESS:
        return None
    best = max(range(wide.row), key=chance, default=wide.row)
    return best if chance(best) > usual else None


def beginnings_of(planned: Floats, fewest: int) -> tuple[Beginning, ...]:
    """Choose where sequences begin from the rows `planned` above each threshold: from nothing that is tested."""
    if not len(planned):
        return ()
    enough = first_rows(planned[-1], fewest)
    narrow = int(np.argmax(planned >= FIRST_SHARE * planned[-1]))
    if enough is None:
        return (Beginning(narrow, 1.0),)
    if enough < ENOUGH * fewest:
        return (Beginning(int(np.argmax(planned >= enough)), WIDE_PART), Beginning(narrow, 1.0 - WIDE_PART))
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
