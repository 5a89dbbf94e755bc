"""Small packed models for tests: two raw features, two classes, milliseconds to train."""

from pathlib import Path

import lightgbm
import numpy as np

from andon.models import FeatureKind, FeatureSpec, encode, encode_labels, pack

FEATURES = (FeatureSpec("amount", FeatureKind.NUMBER), FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR")))
CLASSES = ("ok", "fraud")


def a_package(folder: Path, *, name: str = "fraud-risk", seed: int = 1) -> Path:
    """A LightGBM model that suspects large amounts, packed into `folder`; another seed gives another model."""
    rng = np.random.default_rng(seed)
    rows = {"amount": rng.gamma(2.0, 100.0, 600), "country": rng.choice(["DE", "FR", "XX"], 600)}
    labels = np.where(rows["amount"] + rng.normal(0, 60, 600) > 300, "fraud", "ok")
    training = {column: values[:300] for column, values in rows.items()}, labels[:300].tolist()
    held_out = {column: values[300:] for column, values in rows.items()}, labels[300:].tolist()
    data = lightgbm.Dataset(encode(FEATURES, training[0]), encode_labels(CLASSES, training[1]))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    return pack(
        folder,
        name=name,
        model=booster,
        features=FEATURES,
        classes=CLASSES,
        training=training,
        held_out=held_out,
        split="the first half trains",
    )
