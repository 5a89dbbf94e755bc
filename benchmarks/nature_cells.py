"""The cells of `script/bench nature`: each a world, a promise, and how many runs judge it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final

from numpy.random import Generator

from benchmarks.nature_drift_cells import FOUND, QUIET, alarms
from benchmarks.nature_gate_cells import FALSE_PROOFS
from benchmarks.nature_intervals_cells import LABEL_FREE, OFF_POLICY, UNSEEN_REWARD
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
    silence_is_right: bool = False

    @property
    def may_end_early(self) -> bool:
        """Whether fewer runs are enough where they show that the promise is kept: never in the worst worlds."""
        return self.kind is Kind.RATE and self.runs == SOME


MANY: Final = 400
"""The runs of a cell that broke its promise before the mends, and of one that is cheap."""

SOME: Final = 200
"""The runs of the other cells, at most: of 10% instead of 5%, six in seven are found."""

FEW: Final = 100
"""The runs of shares and ratios."""

OFTEN: Final = 1_000
"""The runs of cells that take milliseconds."""

WORST: Final = (
    "wrong after 3 d, right 2.4 h, 5.5%, 500 a day",
    "wrong after 7 d, right 2.4 h, 10%, 500 a day",
    "wrong after 1 d, right 2 h, 7.5%, 5,000 a day",
    "wrong after 8 h, right 2 h, 5.5%, 5,000 a day",
    "groups of 2, 5.5%",
    "groups of 5, 5.5%",
    "groups of 20, 5.5%",
    "policy keeps easy cases, 3% of all, 6% of the rest",
    "weekend +0.15 sd",
    "AR(1) of 0.3",
)
"""Gates and quiet lines that broke their promises: the worst, and one of each kind."""

SHARE_BEFORE: Final[Mapping[str, float]] = {
    "steep": 0.399,
    "quadratic": 0.321,
    "gentle": 0.184,
    "few held-out rows, 5%": 0.435,
}
"""Automatic shares of commit bd64bca5, as `--against` measures them."""


def _cells() -> list[Cell]:
    return [
        *(Cell(f"false proof: {name}", 0.05, _runs(name), one.proves_falsely) for name, one in FALSE_PROOFS.items()),
        *(Cell(f"rolled back: {name}", 0.01, MANY, run) for name, run in ROLLED_BACK.items()),
        *(Cell(f"shown sound: {name}", 0.05, MANY, run) for name, run in SHOWN_SOUND.items()),
        *(Cell(f"experiment: {name}", 0.05, SOME, run) for name, run in EXPERIMENTS.items()),
        *(Cell(f"quiet quarter: {name}", 0.05, _runs(name), partial(alarms, line)) for name, line in QUIET.items()),
        *(Cell(f"not found in 1,500: {name}", 0.05, SOME, run) for name, run in FOUND.items()),
        *(Cell(f"label-free: {name}", 0.08, MANY, run) for name, run in LABEL_FREE.items()),
        *(
            Cell(f"off-policy: {name}", 0.08, OFTEN, run, silence_is_right=name == UNSEEN_REWARD)
            for name, run in OFF_POLICY.items()
        ),
        *(
            Cell(f"automatic: {name}", 0.85, FEW, partial(automatic_share, line), Kind.SHARE, SHARE_BEFORE[name])
            for name, line in SHARES.items()
        ),
        *(
            Cell(f"{name}, wrong against an oracle", 1.5, FEW, one.wrong_until_closed, Kind.RATIO)
            for name, one in BREAKS.items()
        ),
    ]


def _runs(name: str) -> int:
    return MANY if name in WORST else SOME


CELLS: Final[dict[str, Cell]] = {one.name: one for one in _cells()}
