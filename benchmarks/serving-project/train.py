"""Packs the model next to this file: the benchmark puts `model.onnx` and its rows here."""

from pathlib import Path

import numpy as np
from automation import serving

from andon.models import FeatureKind, FeatureSpec, pack

HERE = Path(__file__).parent
CLASSES = ("no", "yes")
TRAINING = 8_000


def main() -> None:
    """Pack the same file that every peer serves, with its training rows and held-out rows."""
    rows = np.load(HERE / "rows.npz")
    names = [str(name) for name in rows["names"]]
    labels = [CLASSES[int(one)] for one in rows["labels"]]
    train, held_out = (
        {name: rows["matrix"][part, at] for at, name in enumerate(names)}
        for part in (slice(None, TRAINING), slice(TRAINING, None))
    )
    pack(
        "package",
        name=serving.model,
        model=HERE / "model.onnx",
        features=tuple(FeatureSpec(name, FeatureKind.NUMBER) for name in names),
        classes=CLASSES,
        training=(train, labels[:TRAINING]),
        held_out=(held_out, labels[TRAINING:]),
        split="the first 8,000 rows train",
    )


if __name__ == "__main__":
    main()
