"""A small model over an amount and its account's last hour, packed for the projects of benchmarks."""

from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from andon.models import FeatureKind, FeatureSpec, encode, pack

NAMES = ("amount", "amount_count_1h", "amount_sum_1h")
FEATURES = tuple(FeatureSpec(name, FeatureKind.NUMBER) for name in NAMES)
HALVES = (slice(None, 1_000), slice(1_000, None))


def amounts(folder: Path, *, name: str, seed: int) -> Path:
    """Make a package in `folder`; another seed gives another model."""
    rng = np.random.default_rng(seed)
    amount, count = rng.lognormal(5, 1, 2_000), rng.integers(0, 20, 2_000).astype(float)
    columns = dict(zip(NAMES, (amount, count, amount * count), strict=True))
    suspicious = np.log(amount) + rng.normal(0, 0.5, 2_000) > 6
    labels = np.where(suspicious, "fraud", "ok").tolist()
    train, held_out = ({name: values[half] for name, values in columns.items()} for half in HALVES)
    model = HistGradientBoostingClassifier(max_iter=20).fit(encode(FEATURES, train), suspicious[HALVES[0]].astype(int))
    return pack(
        folder,
        name=name,
        model=model,
        features=FEATURES,
        classes=("ok", "fraud"),
        training=(train, labels[HALVES[0]]),
        held_out=(held_out, labels[HALVES[1]]),
        split="the first half",
    )
