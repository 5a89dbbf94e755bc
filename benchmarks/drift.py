"""The quality of the drift monitors: false alarms, power, a comparison with other libraries, speed, label-free AUC.

Stationary lines of a thousand decisions a day are watched for ninety days; shifts of 0.2 standard deviations begin at
random moments; episodes with drift in real tables are watched by Andon, river, frouros (STEPD, which river lacks) and
Evidently. Everything is seeded. `--quick` takes a tenth of the runs, as a smoke test; its figures are too rough to
judge.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import drift_detectors, drift_labels, drift_speed, goals
from benchmarks.drift_found import Found, judge
from benchmarks.drift_simulation import REFERENCE_ROWS, Watched, share_within, shifted, stationary
from benchmarks.drift_streams import Episode, episodes, tables

SEED = 20_261_201
RUNS, SHIFTS, TRIALS = 300, 400, 3
SMALL_REFERENCE, SMALL_SHIFTS = 10_000, 100
WITHIN = 1000
PROCESSES = 2

T = TypeVar("T")
Figures = dict[str, Any]


def main() -> int:
    """Measure, print, and with --check report whether the goals were reached."""
    arguments = argparse.ArgumentParser(prog="script/bench drift", description=__doc__)
    arguments.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    arguments.add_argument("--quick", action="store_true", help="a tenth of the runs")
    options = arguments.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    part = 10 if options.quick else 1
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as scratch, console.status("speed") as status:
        speed = drift_speed.measure(np.random.default_rng(SEED))
        status.update("tables and episodes")
        exported = _exported(Path(scratch))
        known = tables(exported)
        drawn = list(episodes(known, max(TRIALS // part, 1), np.random.default_rng(SEED)))
        labels = {
            "markets": drift_labels.summary(drift_labels.markets(exported["returns"])),
            "rows left out": drift_labels.summary(drift_labels.left_out(known, np.random.default_rng(SEED))),
        }
        drift_detectors.write(drawn, Path(scratch) / "episodes.npz")
        status.update("Andon on the episodes")
        found = {"Andon": judge(drawn, _all(drift_detectors.andon, drawn))}
        status.update("other libraries on the episodes")
        others = drift_detectors.peers(Path(scratch) / "episodes.npz", Path(scratch))
        found |= {name: judge(drawn, alarms) for name, alarms in others.items()}
        status.update("stationary lines")
        quiet = _all(stationary, _seeds(1, RUNS // part))
        status.update("shifts")
        large = _all(partial(shifted, reference_rows=REFERENCE_ROWS), _seeds(2, SHIFTS // part))
        small = _all(partial(shifted, reference_rows=SMALL_REFERENCE), _seeds(3, SMALL_SHIFTS // part))
    judged = _goals(quiet, large, found, speed)
    _print(quiet, large, small, found, drawn, speed, labels, judged)
    figures = _figures(quiet, large, small, found, speed, labels)
    print(json.dumps({"benchmark": "drift", **figures, **goals.as_json(judged)}))
    return 1 if options.check and goals.missed(judged) else 0


def _all(work: Callable[[Any], T], over: Sequence[Any]) -> list[T]:
    """Return the results of independent runs, on both cores."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        return pool.map(work, over, chunksize=4)


def _seeds(kind: int, count: int) -> list[int]:
    return [SEED + 1_000_000 * kind + at for at in range(count)]


def _exported(scratch: Path) -> Mapping[str, Any]:
    """Return the tables that river carries, read by river itself."""
    python = drift_detectors.python("river")
    script = Path(__file__).parent / "peers" / "river" / "export.py"
    drift_detectors.call((str(python), str(script), str(scratch / "tables.npz")))
    with np.load(scratch / "tables.npz") as source:
        return dict(source)


def least_share(alarms: int, runs: int, confidence: float = 0.99) -> float:
    """Compute the exact lower bound of a share (Clopper and Pearson 1934)."""
    from scipy.stats import beta

    return float(beta.ppf(1 - confidence, alarms, runs - alarms + 1)) if alarms else 0.0


def _goals(
    quiet: Sequence[Watched], large: Sequence[Watched], found: Mapping[str, Found], speed: drift_speed.Speed
) -> list[goals.Goal]:
    alarms = sum(one.alarm_at is not None for one in quiet)
    own = found["Andon"]
    judged = [
        goals.at_most("lower 99% bound of the share of 90 days with any alarm", least_share(alarms, len(quiet)), 0.05),
        goals.at_least("share of shifts found within 1,000 decisions", share_within(large, WITHIN), 0.9),
        goals.at_least("times as fast as scipy's KS", speed.ratio, 8.0),
    ]
    for name, other in found.items():
        if name == "Andon":
            continue
        judged.append(goals.more_than(f"F1 minus that of {name}", own.f1 - other.f1, 0.0))
        judged.append(goals.at_most(f"false alarms against {name}", float(own.false_alarms), float(other.false_alarms)))
    return judged


def _print(
    quiet: Sequence[Watched],
    large: Sequence[Watched],
    small: Sequence[Watched],
    found: Mapping[str, Found],
    drawn: Sequence[Episode],
    speed: drift_speed.Speed,
    labels: Mapping[str, drift_labels.Summary],
    judged: Sequence[goals.Goal],
) -> None:
    console = Console(width=140)
    table = Table(
        "detector", "F1", "found", "precision", "false alarms", "per 1,000 rows", "delay", title="Injected drift"
    )
    for name, one in found.items():
        delay = f"{np.median(one.delays):.2f}" if one.delays else ""
        table.add_row(
            name, f"{one.f1:.3f}", f"{one.recall:.0%}", f"{one.precision:.2f}", str(one.false_alarms),
            f"{one.false_a_thousand:.2f}", delay,
        )  # fmt: skip
    console.print(table)
    alarms = Counter(one.by for one in quiet if one.alarm_at is not None)
    console.print(
        f"{len(drawn)} episodes. Stationary: {sum(alarms.values())} of {len(quiet)} runs alarmed {dict(alarms)}"
    )
    for rows, watched in ((REFERENCE_ROWS, large), (SMALL_REFERENCE, small)):
        share = share_within(watched, WITHIN)
        console.print(f"Reference of {rows:,} rows: {share:.1%} of {len(watched)} shifts found in time")
    console.print(f"Window of 100,000 x 20: {speed.andon_ms:.0f} ms, scipy's KS {speed.ks_ms:.0f} ms")
    for table_name, label_free in labels.items():
        console.print(f"Label-free AUC, {table_name}: {asdict(label_free)}")
    console.print(goals.table_of(judged))


def _figures(
    quiet: Sequence[Watched],
    large: Sequence[Watched],
    small: Sequence[Watched],
    found: Mapping[str, Found],
    speed: drift_speed.Speed,
    labels: Mapping[str, drift_labels.Summary],
) -> Figures:
    detectors = {
        name: {
            "f1": round(one.f1, 4),
            "recall": round(one.recall, 4),
            "precision": round(one.precision, 4),
            "false_alarms": one.false_alarms,
            "disturbed": one.disturbed,
            "episodes": one.episodes,
        }
        for name, one in found.items()
    }
    return {
        "stationary_runs": len(quiet),
        "stationary_alarms": sum(one.alarm_at is not None for one in quiet),
        "found_within_1000": round(share_within(large, WITHIN), 4),
        "found_within_1000_small_reference": round(share_within(small, WITHIN), 4),
        "detectors": detectors,
        "andon_ms": round(speed.andon_ms, 1),
        "ks_ms": round(speed.ks_ms, 1),
        "label_free_auc": {name: asdict(one) for name, one in labels.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
