"""Breaks on simulated lines: the wrong automatic decisions until the region of the gate shrinks.

A line runs well for a while. From one decision to the next, a greater share of its automatic part is wrong, at any
confidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from andon.statistics.gate_proofs import GateProver, LabelBatch
from benchmarks.risk_lines import AUDITED, CONFIDENCE, LINES, TARGET, held_out_of, labelled

BREAKS = (0.03, 0.05, 0.1, 0.2)
"""The errors of the automatic part after the break; before it, the error is below the target of 1%."""

TRIALS, BEFORE, BATCH, MOST = 100, 20, 100, 3_000


@dataclass(frozen=True, slots=True)
class BreakFigures:
    """Wrong automatic decisions after a break to `error` until the region shrank, and false alarms in the time before.

    `high` is the 90th percentile.
    """

    error: float
    median: float
    high: float
    false_alarms: int


def figures_of(error: float, rng: Generator, trials: int = TRIALS) -> BreakFigures:
    """Break many lines."""
    runs = [_broken(error, rng) for _ in range(trials)]
    wrong = [run[0] for run in runs]
    return BreakFigures(error, float(np.median(wrong)), float(np.quantile(wrong, 0.9)), sum(run[1] for run in runs))


def _broken(error: float, rng: Generator) -> tuple[int, int]:
    line = LINES[0]
    prover = GateProver(held_out_of(line, rng), TARGET, CONFIDENCE)
    for _ in range(BEFORE):
        threshold = prover.region()
        _learn(prover, labelled(*line.draw(rng, 500), threshold, AUDITED, rng))
    proof, wrong = prover.prove(), 0
    if proof.threshold is None:
        return _broken(error, rng)
    while wrong < MOST:
        confidence, losses = line.draw(rng, BATCH)
        automatic = confidence >= proof.threshold
        losses = np.where(automatic, (rng.random(BATCH) < error).astype(float), losses)
        wrong += int(losses[automatic].sum())
        _learn(prover, labelled(confidence, losses, proof.threshold, AUDITED, rng))
        now = prover.region()
        if now is None or now > proof.threshold:
            break
    return wrong, proof.breaks


def _learn(prover: GateProver, batch: LabelBatch) -> None:
    prover.update(batch, before_break=prover.watch(batch))
