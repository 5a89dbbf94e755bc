"""The cells of `script/bench nature`: each a world, a promise, and how many runs judge it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final

from numpy.random import Generator

from benchmarks.nature_drift_cells import QUIET, alarms, misses
from benchmarks.nature_features import QuietLine
from benchmarks.nature_gate_cells import FALSE_PROOFS
from benchmarks.nature_intervals_cells import LABEL_FREE, OFF_POLICY
from benchmarks.nature_quiet import BREAKS, SHARES, automatic_share
from benchmarks.nature_trials_cells import EXPERIMENTS, ROLLED_BACK, SHOWN_SOUND


class Kind(StrEnum):
    """What the runs of a cell give: a broken promise or none, a share, or a pair of counts to compare."""

    RATE = "rate"
    SHARE = "share"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Cell:
    """A world with its promise. `run` gives True where the promise is broken in that run, None where nothing is said.

    The promise of a rate and of a ratio is the most, that of a share the least part of the share that the version
    before the mends (commit bd64bca5) had: `before`.
    """

    name: str
    promise: float
    runs: int
    run: Callable[[Generator], Any]
    kind: Kind = Kind.RATE
    before: float | None = None


MANY: Final = 400
"""The runs of a cell whose promise is 5 to 8%."""

OFTEN: Final = 1_000
"""The runs of cells that are cheap, or whose promise is 1%."""

SOME: Final = 150
SHARE_BEFORE: Final[Mapping[str, float]] = {
    "steep": 0.399,
    "quadratic": 0.321,
    "gentle": 0.184,
    "few held-out rows, 5%": 0.435,
}
"""Automatic shares of commit bd64bca5, as `--against` measures them."""


def _cells() -> list[Cell]:
    return [
        *(Cell(f"false proof: {name}", 0.05, MANY, one.proves_falsely) for name, one in FALSE_PROOFS.items()),
        *(Cell(f"rolled back: {name}", 0.01, MANY, run) for name, run in ROLLED_BACK.items()),
        *(Cell(f"shown sound: {name}", 0.05, MANY, run) for name, run in SHOWN_SOUND.items()),
        *(Cell(f"experiment: {name}", 0.05, MANY, run) for name, run in EXPERIMENTS.items()),
        *(Cell(f"quiet quarter: {name}", 0.05, MANY, partial(alarms, line)) for name, line in QUIET.items()),
        Cell("found: 0.2 sd on a quiet line, missed in 1,500", 0.05, MANY, partial(misses, QuietLine())),
        *(Cell(f"label-free: {name}", 0.08, MANY, run) for name, run in LABEL_FREE.items()),
        *(Cell(f"off-policy: {name}", 0.08, OFTEN, run) for name, run in OFF_POLICY.items()),
        *(
            Cell(f"automatic: {name}", 0.85, SOME, partial(automatic_share, line), Kind.SHARE, SHARE_BEFORE[name])
            for name, line in SHARES.items()
        ),
        *(
            Cell(f"{name}, wrong against an oracle", 1.5, SOME, one.wrong_until_closed, Kind.RATIO)
            for name, one in BREAKS.items()
        ),
    ]


CELLS: Final[Mapping[str, Cell]] = {one.name: one for one in _cells()}
