"""The error near the threshold: bands follow planned counts, and a gate that bounds it keeps its promise live."""

import json

import numpy as np
import pytest
from scipy.stats import binom

from andon.statistics import gate_bands
from andon.statistics.gate_proofs import GateProver, HeldOutTable, LabelBatch

STEPS = np.linspace(1.0, 0.0, 101)[1:]
"""Thresholds; confidences are even between 0 and 1."""


def error_at(confidence: np.ndarray) -> np.ndarray:
    """Return an error of one in a thousand for the surest half, and of eleven in a hundred for the rest."""
    return np.where(confidence >= 0.5, 0.001, 0.11)


def a_table(rng: np.random.Generator, rows: int) -> HeldOutTable:
    confidence = np.sort(rng.random(rows))[::-1]
    wrong = np.cumsum(rng.random(rows) < error_at(confidence))
    above = np.searchsorted(-confidence, -STEPS, side="right")
    return HeldOutTable(
        STEPS, rows * (1 - STEPS), above.astype(float), np.append([0], wrong)[above].astype(float), float(rows)
    )


def labels(rng: np.random.Generator, rows: int) -> LabelBatch:
    confidence, ones = rng.random(rows), np.ones(rows)
    return LabelBatch(confidence, (rng.random(rows) < error_at(confidence)).astype(float), ones, ones)


def test_a_band_holds_a_tenth_of_the_rows_or_as_many_as_are_asked_for() -> None:
    planned = np.arange(10.0, 1010.0, 10.0)
    tops = gate_bands.tops_of(planned, 30)
    assert (tops[:10] == -1).all()
    assert gate_bands.within(planned, tops)[20:].tolist() == [100.0] * 80
    assert gate_bands.within(planned, gate_bands.tops_of(planned, 250))[50] == 250
    assert len(gate_bands.tops_of(np.zeros(0), 30)) == 0


@pytest.mark.parametrize("held_out", [0, 2000])
def test_the_bound_near_the_gate_holds_at_every_look(held_out: int) -> None:
    rng, runs, broken, plain, wide = np.random.default_rng(34), 40, 0, 0, 0
    for _ in range(runs):
        table = a_table(rng, held_out) if held_out else HeldOutTable(STEPS, 1 - STEPS, STEPS * 0, STEPS * 0, 0.0)
        both = GateProver(table, 0.05, 0.9, local=0.1), GateProver(table, 0.05, 0.9)
        ever = [False, False]
        for _ in range(4):
            batch = labels(rng, 1500)
            for at, prover in enumerate(both):
                prover.update(batch)
                threshold = prover.region()
                ever[at] = ever[at] or (threshold is not None and threshold < 0.4)
        broken, plain = broken + ever[0], plain + ever[1]
        wide += (both[0].region() or 1.0) <= 0.55
    assert plain > runs / 2  # the average alone lets parts in that err in 11 of 100
    assert broken <= binom.ppf(0.999, runs, 0.1)
    assert wide > runs / 2


def test_it_comes_back_from_json_as_it_was() -> None:
    rng = np.random.default_rng(3)
    prover = GateProver(a_table(rng, 2000), 0.05, 0.95, local=0.1)
    prover.update(labels(rng, 500))
    again = GateProver.from_json(json.loads(json.dumps(prover.to_json(), allow_nan=False)))
    more = labels(rng, 2000)
    prover.update(more)
    again.update(more)
    assert again.prove() == prover.prove()
    assert again.to_json() == prover.to_json()
    assert prover.prove().local_error >= prover.prove().error


def test_a_bound_below_the_target_or_of_costs_is_refused() -> None:
    table = a_table(np.random.default_rng(1), 500)
    for refused in ({"local": 0.01}, {"local": 0.2, "counted": False}):
        with pytest.raises(ValueError, match="local"):
            GateProver(table, 0.05, 0.95, **refused)  # type: ignore[arg-type]
