"""The gate on the simulated bank of transfer screening: the manual reviews it saves, compared with a clairvoyant.

The example's model is trained as `train.py` trains it; half of the held-out rows set thresholds, half are evidence.
Then another bank of the same kind decides by the gate for thirty days. Labels of reviewed or audited transfers become
known when they are mature. The clairvoyant knows the truth of all these transfers, chooses the widest threshold whose
error is at most the target, and audits nothing. The example's own target of 1% is judged, which the model keeps nearly
everywhere; stricter targets are printed.
"""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from andon.models import categorical_columns, encode, encode_labels
from andon.statistics.gate_proofs import GateProver, LabelBatch
from benchmarks.risk_lines import AUDITED, CONFIDENCE, Floats, labelled, table_of

EXAMPLE = Path(__file__).parents[1] / "examples" / "transfer_screening"
TARGETS = (0.01, 0.003)
"""The target of the promise above, and that of the example itself."""
ACCOUNTS, A_DAY, MATURE_DAYS = 3_000, 1_500, 7


@dataclass(frozen=True, slots=True)
class TransferFigures:
    """Shares of all transfers: automatic and unaudited ones, the clairvoyant's savings, and errors."""

    target: float
    saved: float
    clairvoyant: float
    error: float
    base_error: float
    decisions: int


def measure(seed: int = 5) -> list[TransferFigures]:
    """Train, hold out, then decide the transfers of another bank, once for each target."""
    (planning, evidence), live = _predicted(seed)
    table = table_of(planning[0], *evidence)
    return [_decided(GateProver(table, target, CONFIDENCE), *live, np.random.default_rng(seed)) for target in TARGETS]


def _decided(prover: GateProver, confidence: Floats, wrong: Floats, rng: Generator) -> TransferFigures:
    waiting: list[LabelBatch] = []
    automatic, audited, lost, closed = 0, 0, 0.0, 0
    for day, first in enumerate(range(0, len(wrong), A_DAY)):
        if day >= MATURE_DAYS:
            mature = waiting[day - MATURE_DAYS]
            closed = day if prover.watch(mature) else closed
            prover.update(mature, before_break=day - MATURE_DAYS < closed)
        threshold = prover.region()
        c, w = confidence[first : first + A_DAY], wrong[first : first + A_DAY]
        certain = c >= (2.0 if threshold is None else threshold)
        waiting.append(labelled(c, w, threshold, AUDITED, rng))
        audited += int((waiting[-1].confidence >= (2.0 if threshold is None else threshold)).sum())
        automatic, lost = automatic + int(certain.sum()), lost + float(w[certain].sum())
    order = np.argsort(-confidence)
    errors = np.cumsum(wrong[order]) / np.arange(1, len(wrong) + 1)
    widest = np.flatnonzero(errors <= prover.target)
    return TransferFigures(
        target=prover.target,
        saved=(automatic - audited) / len(wrong),
        clairvoyant=float(widest[-1] + 1) / len(wrong) if len(widest) else 0.0,
        error=lost / max(automatic, 1),
        base_error=float(wrong.mean()),
        decisions=len(wrong),
    )


def _predicted(seed: int) -> tuple[tuple[tuple[Floats, Floats], tuple[Floats, Floats]], tuple[Floats, Floats]]:
    """Confidences and errors of both halves of the held-out rows, and of the other bank."""
    sys.path.insert(0, str(EXAMPLE))
    train: Any = importlib.import_module("train")
    rows, labels = train.known(train.simulate(seed, accounts=ACCOUNTS))
    cut = len(rows) * 3 // 4
    model = train.LGBMClassifier(
        n_estimators=120,
        num_leaves=15,
        learning_rate=0.08,
        min_child_samples=40,
        random_state=seed,
        n_jobs=1,
        verbosity=-1,
    )
    encoded = encode(train.FEATURES, rows[:cut])
    categories = list(categorical_columns(train.FEATURES))
    model.fit(encoded, encode_labels(train.CLASSES, labels[:cut]), categorical_feature=categories)

    def confident(rows: Any, labels: Any) -> tuple[Floats, Floats]:
        probabilities = model.predict_proba(encode(train.FEATURES, rows))
        wrong = probabilities.argmax(axis=1) != encode_labels(train.CLASSES, labels)
        return probabilities.max(axis=1), wrong.astype(float)

    held_out = confident(rows[cut:], labels[cut:])
    halves = (held_out[0][::2], held_out[1][::2]), (held_out[0][1::2], held_out[1][1::2])
    return halves, confident(*train.known(train.simulate(seed + 1, accounts=ACCOUNTS)))
