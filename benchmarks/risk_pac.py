"""The protocol of PAC labels (Candès, Ilyas and Zrnic 2025, arXiv 2506.10908): what one look at drawn labels saves.

A model labels a finite set; experts label a random sample and all rows that are too uncertain; the share of wrong
labels in the whole set must stay below 5% with 95% confidence. Rows that no expert sees are saved. Three of the
paper's sets are simulated here: as many rows, and errors by twentieths of falling confidence as counted in the
authors' files (MIT licence).
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from andon.statistics.binomial import upper_bound_holds
from andon.statistics.gate_proofs import GateProver, HeldOutTable

WRONG, CONFIDENCE, TRIALS, THRESHOLDS = 0.05, 0.95, 400, 200


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A set of the paper: its rows, its drawn labels, and the error of each twentieth."""

    name: str
    rows: int
    drawn: int
    wrong: tuple[float, ...]


SETS = (
    LabelledSet(
        "misinfo",
        1_923,
        500,
        (
            0.103,
            0.186,
            0.134,
            0.167,
            0.115,
            0.25,
            0.104,
            0.125,
            0.094,
            0.125,
            0.135,
            0.229,
            0.167,
            0.25,
            0.25,
            0.208,
            0.281,
            0.219,
            0.25,
            0.333,
        ),
    ),
    LabelledSet(
        "stance",
        2_299,
        500,
        (
            0.009,
            0.052,
            0.052,
            0.009,
            0.043,
            0.304,
            0.296,
            0.252,
            0.183,
            0.191,
            0.217,
            0.304,
            0.287,
            0.374,
            0.348,
            0.339,
            0.33,
            0.391,
            0.409,
            0.57,
        ),
    ),
    LabelledSet(
        "imagenetv2",
        10_000,
        1_000,
        (
            0.01,
            0.016,
            0.026,
            0.028,
            0.076,
            0.118,
            0.114,
            0.17,
            0.25,
            0.31,
            0.342,
            0.41,
            0.424,
            0.512,
            0.544,
            0.592,
            0.684,
            0.746,
            0.792,
            0.902,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class SetSavings:
    """The mean shares saved by the gate and by an exact binomial bound, and how often each exceeded the error."""

    name: str
    gate: float
    exact: float
    exceeded: float
    exact_exceeded: float


def savings_of(labelled: LabelledSet, rng: Generator) -> SetSavings:
    """Label the set many times, with the same draws for both."""
    figures = np.array([_trial(labelled, rng) for _ in range(TRIALS)]).mean(axis=0)
    return SetSavings(labelled.name, *(float(figure) for figure in figures))


def _trial(labelled: LabelledSet, rng: Generator) -> tuple[float, float, float, float]:
    shares = np.repeat(labelled.wrong, np.diff(np.linspace(0, labelled.rows, 21).astype(int)))
    wrong = rng.random(labelled.rows) < shares
    drawn = rng.integers(0, labelled.rows, labelled.drawn)
    ends = np.linspace(0, labelled.rows, THRESHOLDS + 1).astype(int)[1:]
    errors = np.array([np.count_nonzero(wrong[drawn] & (drawn < end)) for end in ends])
    counts = np.full(len(ends), float(labelled.drawn))
    table = HeldOutTable(-ends.astype(float), counts, counts, errors.astype(float), float(labelled.drawn))
    threshold = GateProver(table, WRONG, CONFIDENCE).region()
    by_gate = 0 if threshold is None else int(-threshold)
    by_exact = 0
    for end, k in zip(ends.tolist(), errors.tolist(), strict=True):
        if not upper_bound_holds(k, labelled.drawn, WRONG, 1.0 - CONFIDENCE):
            break
        by_exact = end
    unseen = np.ones(labelled.rows, np.bool_)
    unseen[drawn] = False
    saved = [float(np.count_nonzero(unseen[:end]) / labelled.rows) for end in (by_gate, by_exact)]
    let_through = [
        float(np.count_nonzero(wrong[:end] & unseen[:end]) > WRONG * labelled.rows) for end in (by_gate, by_exact)
    ]
    return saved[0], saved[1], let_through[0], let_through[1]
