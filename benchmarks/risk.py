"""The risk gate on simulated lines, whose truth is known: does it keep its promise, and what does the promise cost?

- Promise: 2,000 lines with selective labels (everything not automatic is reviewed, 5% of the automatic part audited).
  Is the target of
  1% ever truly exceeded, at any of 41 looks? Among them lines that are flat, above the target, or wrong where
  confident.
- Share: the automatic part, against what an exact binomial bound proves in one look at the same labels (reviews thinned
  to the
  share of audits, which it needs). Judged over all lines except the one above the target, where nothing should be
  automatic.
- Protocol of PAC labels: `risk_pac.py`. Breaks: `risk_breaks.py`. Transfer screening: `risk_transfers.py`.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from andon.statistics.intervals import lower_bound
from benchmarks import goals
from benchmarks.goals import Goal, at_least, at_most
from benchmarks.risk_breaks import BREAKS, BreakFigures, figures_of
from benchmarks.risk_lines import LINES, LOOKS, LineRun, run
from benchmarks.risk_pac import SETS, SetSavings, savings_of
from benchmarks.risk_transfers import TransferFigures, measure

SEED = 32
RUNS = 2_000
COMPARED = tuple(range(0, LOOKS + 1, LOOKS // 4))


@dataclass(frozen=True, slots=True)
class LineFigures:
    """Results of the runs of one line: mean automatic shares over the compared looks, and runs above the target."""

    name: str
    runs: int
    exceeded: int
    share: float
    exact: float
    judged: bool
    false_alarms: int


def main() -> int:
    """Measure, print, and with --check report whether all goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench risk", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    check = arguments.parse_args().check
    lines = list(_lines())
    sets = [
        savings_of(one, np.random.default_rng([SEED, 1, at])) for at, one in enumerate(_shown(SETS, "labelled sets"))
    ]
    breaks = [figures_of(error, np.random.default_rng([SEED, 2])) for error in _shown(BREAKS, "breaks")]
    transfers = measure()
    for table in _tables(lines, sets, breaks, transfers):
        Console().print(table)
    judged = goals_of(lines, sets, breaks, transfers)
    Console().print(goals.table_of(judged))
    figures: dict[str, Sequence[Any]] = {"lines": lines, "sets": sets, "breaks": breaks, "transfers": transfers}
    described = {name: [asdict(one) for one in several] for name, several in figures.items()}
    print(json.dumps({"benchmark": "risk", **described, **goals.as_json(judged)}))
    return 1 if check and goals.missed(judged) else 0


def goals_of(
    lines: Sequence[LineFigures],
    sets: Sequence[SetSavings],
    breaks: Sequence[BreakFigures],
    transfers: Sequence[TransferFigures],
) -> list[Goal]:
    """Judge the promise by the lower 99% bound of how often it was broken, and its cost by ratios."""
    runs, exceeded = sum(line.runs for line in lines), sum(line.exceeded for line in lines)
    kept = [line for line in lines if line.judged]
    slowest = max(one.high for one in breaks)
    return [
        at_most("share of runs that ever exceed the target, lower 99% bound", lower_bound(exceeded, runs, 0.99), 0.05),
        at_most(
            "the same for the worst line",
            max(lower_bound(line.exceeded, line.runs, 0.99) for line in lines),
            0.05,
        ),
        at_least(
            "automatic share against one exact look",
            sum(line.share for line in kept) / sum(line.exact for line in kept),
            0.95,
        ),
        at_least(
            "labels saved against one exact look, PAC labels",
            sum(one.gate for one in sets) / sum(one.exact for one in sets),
            0.95,
        ),
        at_most("wrong automatic decisions after a break, in nine of ten breaks of each size", slowest, 300),
        at_least("reviews saved against the clairvoyant", min(one.saved / one.clairvoyant for one in transfers), 0.9),
        at_least("reviews saved, as a share of all transfers", min(one.saved for one in transfers), 0.6),
    ]


def _lines() -> Iterator[LineFigures]:
    each = -(-RUNS // len(LINES))
    for number, line in enumerate(LINES):
        seeds = _shown(range(each), f"line {line.name}")
        runs: list[LineRun] = [run(line, np.random.default_rng([SEED, 0, number, seed]), COMPARED) for seed in seeds]
        yield LineFigures(
            name=line.name,
            runs=each,
            exceeded=sum(one.exceeded for one in runs),
            share=float(np.mean([one.shares for one in runs])),
            exact=float(np.mean([one.exact for one in runs])),
            judged=line.judged,
            false_alarms=sum(one.breaks for one in runs),
        )


def _shown(several: Sequence[Any], what: str) -> Iterator[Any]:
    return iter(track(several, what, console=Console(stderr=True)))


def _tables(
    lines: Sequence[LineFigures],
    sets: Sequence[SetSavings],
    breaks: Sequence[BreakFigures],
    transfers: Sequence[TransferFigures],
) -> Iterator[Table]:
    shares = Table("line", "runs", "exceeded", "automatic", "one exact look", "ratio", "false alarms")
    for line in lines:
        ratio = f"{line.share / line.exact:.3f}" if line.exact else ""
        name = line.name if line.judged else f"{line.name} (share not judged)"
        rest = (f"{line.share:.3f}", f"{line.exact:.3f}", ratio, str(line.false_alarms))
        shares.add_row(name, str(line.runs), f"{line.exceeded / line.runs:.3f}", *rest)
    saved = Table("labelled set", "saved", "one exact look", "ratio", "too many errors")
    for one in sets:
        saved.add_row(
            one.name, f"{one.gate:.3f}", f"{one.exact:.3f}", f"{one.gate / one.exact:.3f}", f"{one.exceeded:.3f}"
        )
    passed = Table("error after the break", "wrong until the gate shrinks: median", "90th percentile", "false alarms")
    for broken in breaks:
        passed.add_row(f"{broken.error:.0%}", f"{broken.median:.0f}", f"{broken.high:.0f}", str(broken.false_alarms))
    bank = Table("target on transfers", "reviews saved", "clairvoyant", "error of the automatic part", "decisions")
    for figure in transfers:
        rest = (f"{figure.saved:.3f}", f"{figure.clairvoyant:.3f}", f"{figure.error:.4f}", f"{figure.decisions:,}")
        bank.add_row(f"{figure.target:.1%}", *rest)
    yield from (shares, saved, passed, bank)


if __name__ == "__main__":
    sys.exit(main())
