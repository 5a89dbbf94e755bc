"""The graph in which thresholds are tested, from narrow regions to wide ones, and where it stops.

Fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021) needs no correction for the number of thresholds, and
ends at the first one that is not proven. Nothing is searched by halves: the loss of an automatic part is not monotone
in the threshold, so one that is not proven may have proven ones behind it. Therefore several sequences begin at rows
that are chosen by planned counts, each with a part of the level. A proven threshold hands its level to the next wider
one, so a sequence that reaches the next beginning adds to its part; and the threshold at a beginning hands some of its
level straight to the next beginning, which has it even if the sequence stops in between. This is a sequentially
rejective graph (Bretz, Maurer, Brannath and Posch 2009) whose edges all lead to wider regions: a wrong proof anywhere
has at most the probability `level`, however the scores depend on each other.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
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

HOPELESS: Final = 0.1
"""The chance below which the wide first test is given up, as rows that are not tested foresee it.

Of 0.05 to 0.25, with the whole level or a part of it for the other test, this kept the widest regions on simulated
lines whose surest part alone is good, and changed nothing on others.
"""

NARROW_PART: Final = 0.1
"""The part of the level of a narrow first test beside the wide one."""

AHEAD: Final = 0.1
"""The part of its level that the threshold at a beginning hands straight to the next beginning, where rows are many."""

MAIN_PART: Final = 0.5
NARROW: Final = (0.25, 0.03)
WIDER: Final = 1.5
"""Where rows are many: the main beginning's part, a narrow one (in multiples of the main one's rows) and its part.

What is left is for wide ones, each at so many times the rows of the one before.
"""

FEW_PART: Final = 0.55
FEW_ROWS: Final = ((0.25, 0.35), (0.45, 0.1))
"""Where held-out rows are few: the part of the wide test, and the others (shares of the rows, parts of the level)."""

NO_ROWS: Final = ((0.25, 0.65), (0.5, 0.2), (0.8, 0.15))
"""Where held-out rows prove nothing by themselves: the shares of decisions, and the parts of the level.

Simulated were lines whose error rises with falling confidence, is flat, or has a hump that ends one sequence, with 0 to
20,000 held-out rows. With these parts the former are as wide as with one main sequence (0.98 to 1.04 times with
4,000 rows), the latter up to several times as wide.
"""

_WHOLE: Final = 0.98
"""The share of the rows above which a beginning is as good as the last threshold."""


class Beginning(NamedTuple):
    """The row of a threshold at which a sequence begins, its part of the level, and what it hands to the next one."""

    row: int
    part: float
    ahead: float = 0.0


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

    usual = chance(wide.row, wide.part)
    if usual >= HOPELESS:
        return None
    best = max(range(wide.row), key=chance, default=wide.row)
    return best if chance(best) > usual else None


def beginnings_of(planned: Floats, fewest: int) -> tuple[Beginning, ...]:
    """Choose where sequences begin from the rows `planned` above each threshold: from nothing that is tested.

    The first one returned has most of the level.
    """
    if not len(planned):
        return ()
    total = float(planned[-1])
    enough = first_rows(total, fewest)
    if enough is None or enough < ENOUGH * fewest:
        shares = NO_ROWS if enough is None else ((enough / total, FEW_PART), *FEW_ROWS)
        return tuple(Beginning(_row_of(planned, share * total), part) for share, part in shares)
    multiple, narrow = NARROW
    wide = _rising(enough * WIDER, total * _WHOLE)
    spare = 1.0 - MAIN_PART - narrow
    main = Beginning(_row_of(planned, enough), MAIN_PART if wide else MAIN_PART + spare, AHEAD)
    others = [Beginning(_row_of(planned, rows), spare / len(wide), AHEAD) for rows in wide]
    return (main, Beginning(_row_of(planned, enough * multiple), narrow), *others)


def proven_rows(
    scores: Floats, beginnings: tuple[Beginning, ...], level: float, held: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], Floats]:
    """Return which thresholds are proven, by walking through the graph, and the part of the level that reached each.

    A score is the logarithm of the inverse of the level at which a threshold is proven; one that is `held` stays
    proven as long as any level reaches it.
    """
    proven, parts = np.zeros(len(scores), np.bool_), np.zeros(len(scores) + 1)
    rows, ahead = sorted({one.row for one in beginnings}), dict[int, float]()
    for one in beginnings:
        parts[one.row] += one.part
        ahead[one.row] = max(one.ahead, ahead.get(one.row, 0.0))
    following = dict(pairwise(rows))
    for row in range(rows[0] if rows else len(scores), len(scores)):
        part = parts[row]
        proven[row] = part > 0.0 and (held[row] or scores[row] >= -math.log(level * part))
        if proven[row]:
            jumping = ahead.get(row, 0.0) if row in following else 0.0
            if jumping:
                parts[following[row]] += part * jumping
            parts[row + 1] += part * (1.0 - jumping)
    return proven, parts[:-1]


def _row_of(planned: Floats, rows: float) -> int:
    return int(np.argmax(planned >= min(rows, planned[-1])))


def _rising(first: float, last: float) -> list[float]:
    steps = math.floor(math.log(last / first) / math.log(WIDER)) + 1 if first <= last else 0
    return [first * WIDER**step for step in range(steps)]
