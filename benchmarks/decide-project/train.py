"""Trains 100 trees on 20 numbers and packs them."""

from typing import Any

import numpy as np
from automation import bench
from sklearn.ensemble import HistGradientBoostingClassifier

from andon.models import FeatureKind, FeatureSpec, encode, pack

NAMES = ("amount", *(f"v{i}" for i in range(1, 17)), *bench.feature_names)
FEATURES = tuple(FeatureSpec(name, FeatureKind.NUMBER) for name in NAMES)
CLASSES = ("no", "yes")


def main() -> None:
    """Train on a task with some noise, decided by the first five numbers and a window."""
    rng = np.random.default_rng(7)
    numbers = rng.standard_normal((6_000, len(NAMES)))
    numbers[:, 0] = np.exp(numbers[:, 0] + 4)
    numbers[:, -3] = rng.integers(1, 20, len(numbers))
    numbers[:, -2] = numbers[:, 0] * numbers[:, -3]
    numbers[:, -1] = numbers[:, 0]
    signal = numbers[:, 1:6].sum(axis=1) + 0.1 * numbers[:, -3] - 3.0
    labels = [CLASSES[int(one)] for one in signal + 0.5 * rng.standard_normal(len(signal)) > 0]
    columns: dict[str, Any] = {name: numbers[:, i] for i, name in enumerate(NAMES)}
    columns["account_id"] = np.array([f"account-{number}" for number in range(len(numbers))])  # the policy reads it
    train, held_out = (
        {name: values[part] for name, values in columns.items()} for part in (slice(0, 4_000), slice(4_000, None))
    )
    model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=7)
    model.fit(encode(FEATURES, train), np.array([label == "yes" for label in labels[:4_000]], dtype=int))
    pack(
        "package",
        name=bench.model,
        model=model,
        features=FEATURES,
        classes=CLASSES,
        training=(train, labels[:4_000]),
        held_out=(held_out, labels[4_000:]),
        split="the first 4,000 rows train",
    )


if __name__ == "__main__":
    main()
