"""XGBoost's own formats, JSON and UBJSON: for each tree, the sizes of its arrays, its child and feature indexes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelUnreadable
from .trees import Numbers, require_length, require_range, require_tree
from .ubjson import decode

_ARRAYS = ("left_children", "right_children", "split_indices", "split_conditions", "default_left", "base_weights")


def check(file: Path, features: int | None) -> None:
    """Raise ModelUnreadable for a file whose trees point outside of themselves."""
    try:
        learner = _document(file)["learner"]
        known = int(learner["learner_model_param"]["num_feature"])
        if features is not None and known != features:
            raise ModelUnreadable(f"{file.name}: it takes {known} features, the signature has {features}")
        for number, tree in enumerate(_trees(learner["gradient_booster"])):
            _check_tree(f"{file.name}, tree {number}", tree, known)
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ModelUnreadable(f"{file.name} is not an XGBoost model: {type(error).__name__} at {error}") from error


def _document(file: Path) -> Mapping[str, Any]:
    data = file.read_bytes()
    try:
        found = json.loads(data) if data[:2] in (b'{"', b"{\n", b"{ ") and file.suffix != ".ubj" else decode(data)
    except (ValueError, RecursionError) as error:
        raise ModelUnreadable(f"{file.name} is neither JSON nor UBJSON: {error}") from error
    if not isinstance(found, dict):
        raise ModelUnreadable(f"{file.name} is not an XGBoost model")
    return found


def _trees(booster: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if booster["name"] == "gblinear":
        return
    model = (booster["gbtree"] if booster["name"] == "dart" else booster)["model"]
    trees, groups = model["trees"], model["tree_info"]
    if len(trees) != len(groups) or len(trees) != int(model["gbtree_model_param"]["num_trees"]):
        raise ModelUnreadable(f"{len(trees)} trees, {len(groups)} groups of trees: they do not match")
    yield from trees


def _check_tree(where: str, tree: Mapping[str, Any], features: int) -> None:
    nodes = int(tree["tree_param"]["num_nodes"])
    arrays = {name: np.asarray(tree[name]) for name in _ARRAYS}
    for name, values in arrays.items():
        require_length(where, name, values, nodes)
    left, right, split = (_integers(where, name, arrays[name]) for name in _ARRAYS[:3])
    for name, values in (("left_children", left), ("right_children", right)):
        require_range(where, name, values, -1, nodes - 1)
    if ((left < 0) != (right < 0)).any():
        raise ModelUnreadable(f"{where}: a node has one child")
    require_range(where, "split_indices", split, 0, features - 1)
    require_tree(where, left, right)
    sizes, segments = (
        _integers(where, name, np.asarray(tree.get(name, ()))) for name in ("categories_sizes", "categories_segments")
    )
    require_length(where, "categories_segments", segments, len(sizes))
    if len(sizes) and ((sizes < 0) | (segments < 0) | (sizes + segments > len(tree["categories"]))).any():
        raise ModelUnreadable(f"{where}: a categorical split is outside its categories")


def _integers(where: str, name: str, values: Any) -> Numbers:
    if len(values) and values.dtype.kind not in "iu":
        raise ModelUnreadable(f"{where}: {name} contains something other than whole numbers")
    return np.asarray(values, dtype=np.int64)
