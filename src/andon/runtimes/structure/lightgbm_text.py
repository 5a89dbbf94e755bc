"""LightGBM's text format: each tree's array sizes, its child and feature indexes and its categorical splits."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelUnreadable
from .trees import Numbers, require_length, require_range, require_tree

_LINE_BYTES = 512 * 1024**2
_MOST_TREES = 1_000_000


def check(file: Path, features: int | None) -> None:
    """Raise ModelUnreadable for a file whose trees point outside of themselves."""
    head: dict[str, str] = {}
    tree: dict[str, str] | None = None
    trees = 0
    with file.open("rb") as opened:
        while line := opened.readline(_LINE_BYTES):
            text = line.decode("utf-8", "replace").strip()
            if len(line) == _LINE_BYTES:
                raise ModelUnreadable(f"{file.name}: a line is longer than {_LINE_BYTES:,} bytes")
            if text == "end of trees":
                break
            if text.startswith("Tree="):
                if tree is not None:
                    _check_tree(f"{file.name}, tree {trees - 1}", tree, head)
                elif not trees:
                    _check_head(file.name, head, features)
                tree, trees = {}, trees + 1
                if trees > _MOST_TREES:
                    raise ModelUnreadable(f"{file.name} has more than {_MOST_TREES:,} trees")
                continue
            name, _, value = text.partition("=")
            (head if tree is None else tree)[name] = value
        else:
            raise ModelUnreadable(f"{file.name} ends within its trees: the line 'end of trees' is missing")
    if tree is None:
        raise ModelUnreadable(f"{file.name} contains no tree")
    _check_tree(f"{file.name}, tree {trees - 1}", tree, head)
    per_iteration = _number(file.name, head, "num_tree_per_iteration", 1)
    if trees % per_iteration:
        raise ModelUnreadable(
            f"{file.name}: {trees} trees are not a multiple of {per_iteration}, its trees per iteration"
        )


def _check_head(where: str, head: Mapping[str, str], features: int | None) -> None:
    highest = _number(where, head, "max_feature_idx", 0)
    if features is not None and highest != features - 1:
        raise ModelUnreadable(f"{where}: it takes {highest + 1} features, the signature has {features}")
    classes, per_iteration = (_number(where, head, name, 1) for name in ("num_class", "num_tree_per_iteration"))
    if per_iteration != classes:
        raise ModelUnreadable(f"{where}: {per_iteration} trees per iteration, expected {classes}, one per class")


def _check_tree(where: str, tree: Mapping[str, str], head: Mapping[str, str]) -> None:
    leaves = _number(where, tree, "num_leaves", 1)
    require_length(where, "leaf_value", _floats(where, tree, "leaf_value"), leaves)
    if tree.get("is_linear", "0") != "0":
        raise ModelUnreadable(f"{where}: linear trees are not supported")
    nodes = leaves - 1
    if nodes == 0:
        return
    arrays = {
        name: _integers(where, tree, name) for name in ("split_feature", "decision_type", "left_child", "right_child")
    }
    for name, values in arrays.items():
        require_length(where, name, values, nodes)
    thresholds = _floats(where, tree, "threshold")
    require_length(where, "threshold", thresholds, nodes)
    require_range(where, "split_feature", arrays["split_feature"], 0, _number(where, head, "max_feature_idx", 0))
    for name in ("left_child", "right_child"):
        require_range(where, name, arrays[name], -leaves, nodes - 1)
    children = np.concatenate([arrays["left_child"], arrays["right_child"]])
    if sorted(children[children < 0]) != list(range(-leaves, 0)):
        raise ModelUnreadable(f"{where}: not every leaf is the child of exactly one node")
    require_tree(where, arrays["left_child"], arrays["right_child"])
    _check_categories(where, tree, thresholds[(arrays["decision_type"] & 1) == 1])


def _check_categories(where: str, tree: Mapping[str, str], splits: "NDArray[np.float64]") -> None:
    """Check the bit sets of categorical splits: each split's threshold is the number of one."""
    count = _number(where, tree, "num_cat", 0)
    if len(splits) and not count:
        raise ModelUnreadable(f"{where}: it has categorical splits but no categories")
    if not count:
        return
    bounds, words = _integers(where, tree, "cat_boundaries"), _integers(where, tree, "cat_threshold")
    require_length(where, "cat_boundaries", bounds, count + 1)
    if bounds[0] != 0 or bounds[-1] != len(words) or (np.diff(bounds) < 0).any():
        raise ModelUnreadable(f"{where}: cat_boundaries do not divide the {len(words)} values of cat_threshold")
    if not np.isfinite(splits).all() or (splits < 0).any() or (splits >= count).any():
        raise ModelUnreadable(f"{where}: a categorical split refers to none of its {count} sets of categories")


def _number(where: str, values: Mapping[str, str], name: str, least: int) -> int:
    text = values.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise ModelUnreadable(f"{where}: {name} is {text[:40]!r}, expected a number of at least {least}")
    return int(text)


def _integers(where: str, values: Mapping[str, str], name: str) -> Numbers:
    try:
        return np.array(values.get(name, "").split(), dtype=np.int64)
    except (ValueError, OverflowError):
        raise ModelUnreadable(f"{where}: {name} contains something other than whole numbers") from None


def _floats(where: str, values: Mapping[str, str], name: str) -> "NDArray[np.float64]":
    try:
        return np.array(values.get(name, "").split(), dtype=np.float64)
    except ValueError:
        raise ModelUnreadable(f"{where}: {name} contains something other than numbers") from None
