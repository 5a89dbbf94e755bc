"""Trains 100 trees on 17 numbers, 9 of which are window features, and one stump as a no-op; packs both as ONNX."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from automation import events, idle
from numpy.typing import NDArray
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier

from andon.models import FeatureKind, FeatureSpec, pack

SENT = (
    "amount",
    "balance",
    "usual_amount",
    "hour",
    "failed_logins",
    "device_trust",
    "beneficiary_age_days",
    "distance_km",
)
NAMES = (*SENT, *events.feature_names)
CLASSES = ("no", "yes")
ROWS, TRAINING = 9_000, 6_000


def main() -> None:
    """Label about one transfer in ten as fraud, by a few of the columns, with some noise."""
    rng = np.random.default_rng(7)
    matrix = _rows(rng)
    column = dict(zip(NAMES, matrix.T, strict=True))
    risk = (
        np.log(column["amount"] / np.maximum(column["usual_amount"], 1))
        + 2.0 * column["failed_logins"]
        + 0.15 * column["amount_count_10m"]
        - 6.0 * column["device_trust"]
    )
    labels = (risk + rng.normal(0, 0.3, ROWS) > -1.0).astype(np.int64)
    told = [CLASSES[label] for label in labels]
    trees = GradientBoostingClassifier(n_estimators=100, max_depth=5, random_state=7)
    _pack("package", events.model, trees, NAMES, column, told)
    _pack(
        "idle-package",
        idle.model,
        GradientBoostingClassifier(n_estimators=1, max_depth=1, random_state=7),
        NAMES[:1],
        column,
        told,
    )


def _pack(
    folder: str,
    name: str,
    model: GradientBoostingClassifier,
    names: tuple[str, ...],
    column: Mapping[str, NDArray[np.float64]],
    told: list[str],
) -> None:
    """Fit a model to these columns and pack it."""
    matrix = np.column_stack([column[one] for one in names]).astype(np.float32)
    model.fit(matrix[:TRAINING], [CLASSES.index(label) for label in told[:TRAINING]])
    file = Path(f"{name}.onnx")
    file.write_bytes(to_onnx(model, matrix[:1], options={"zipmap": False}).SerializeToString())
    known, new = ({one: column[one][part] for one in names} for part in (slice(TRAINING), slice(TRAINING, None)))
    pack(
        folder,
        name=name,
        model=file,
        features=tuple(FeatureSpec(one, FeatureKind.NUMBER) for one in names),
        classes=CLASSES,
        training=(known, told[:TRAINING]),
        held_out=(new, told[TRAINING:]),
        split=f"the first {TRAINING:,} rows train",
    )


def _rows(rng: np.random.Generator) -> NDArray[np.float64]:
    """Invent transfers, with a column for each name."""
    amount = rng.lognormal(4, 1, ROWS)
    sent = [
        amount,
        rng.lognormal(7, 1, ROWS),
        rng.lognormal(4, 0.6, ROWS),
        rng.integers(0, 24, ROWS),
        rng.poisson(0.3, ROWS),
        rng.beta(5, 2, ROWS),
        rng.integers(0, 2_000, ROWS),
        rng.exponential(40, ROWS),
    ]
    windows = []
    for most in (4, 10, 60):
        count = rng.integers(1, most, ROWS)
        windows += [count, amount * count, amount * 1.5]
    return np.column_stack([*sent, *windows]).astype(np.float64)


if __name__ == "__main__":
    main()
