"""The arrays of one decision tree: as long as they must be, with children that exist and no node reached twice."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelUnreadable

Numbers: TypeAlias = NDArray[np.int64]


def require_length(where: str, name: str, values: "NDArray[Any]", length: int) -> None:
    """Raise ModelUnreadable if an array does not have the length that the tree declares."""
    if len(values) != length:
        raise ModelUnreadable(f"{where}: {name} has {len(values)} values, expected {length}")


def require_range(where: str, name: str, values: Numbers, low: int, high: int) -> None:
    """Raise ModelUnreadable if a value is not from `low` to `high`, both included."""
    outside = values[(values < low) | (values > high)]
    if len(outside):
        raise ModelUnreadable(f"{where}: {name} contains {int(outside[0])}, expected {low} to {high}")


def require_tree(where: str, left: Numbers, right: Numbers, *, root: int = 0) -> None:
    """Raise ModelUnreadable unless every node but the root is the child of exactly one node, all below the root.

    A leaf is a child below 0. Children may be any nodes; a node that is reached again would make prediction endless.
    """
    children = np.concatenate([left, right])
    inner = children[children >= 0]
    once = len(np.unique(inner)) == len(inner) and root not in inner
    seen, ahead = 0, [root]
    while ahead and once:
        node = ahead.pop()
        seen += 1
        ahead += [int(child) for child in (left[node], right[node]) if child >= 0]
    if not once or seen != len(left):
        raise ModelUnreadable(f"{where}: its nodes do not form a tree")
