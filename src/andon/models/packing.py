"""Packing: called at the end of a builder's training script, writes a folder that can be registered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from andon.models.encoding import Rows
from andon.models.signature import FeatureSpec

FOLDER_VARIABLE = "ANDON_PACKAGE_FOLDER"
"""Environment variable by which `andon models register --from-script` says where to write."""


def pack(
    folder: Path | str,
    *,
    name: str,
    model: Any,
    features: Sequence[FeatureSpec],
    classes: Sequence[str],
    training: tuple[Rows, Sequence[Any]],
    held_out: tuple[Rows, Sequence[Any]],
    split: str,
    data: Path | str | None = None,
    description: str = "",
    model_classes: Sequence[str] | None = None,
    allow_pickle: bool = False,
) -> Path:
    """Write a package of a fitted model to `folder`: the model file and a manifest with profile, calibration, metrics and origin.

    `model` is a LightGBM or XGBoost booster or classifier, a scikit-learn classifier or the path of an ONNX file. Rows
    are raw values, labels are raw classes; `held_out` must be rows the model was not trained on (one half calibrates,
    the other measures). `split` says in words how they were split; `data` is the file they came from.
    `model_classes` is the order of the model's own output where the model does not say it (ONNX).
    ANDON_PACKAGE_FOLDER, if set, overrides `folder`. Raises PackageInvalid.
    """
    raise NotImplementedError
