"""Once: one decision of each subject in a window, for tests that need independent cases. Pure.

The decisions of one account are often alike, so ten of them are not ten cases. A window has `PLACES` places. A subject
always has the same place, and a place keeps one decision. Which one stays is drawn by the hash of its id, so windows
merge in any order. Subjects that share a place count as one; a place does not say who they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

ONCE = "once"
"""The name of the kept decisions in the sums of a window: of each field whose groups are compared."""

PLACES = 1024

Kept: TypeAlias = Mapping[str, list[Any]]
"""By place: the number that was drawn for the decision, its group, and what is counted of it."""


def place_of(subject: Any, identifier: bytes) -> str:
    """Return the place of a subject, or that of the decision if its subject is missing."""
    return str(_number(identifier if subject is None else repr(subject).encode()) % PLACES)


def draw_of(identifier: bytes) -> int:
    """Return the number of a decision; of a subject's decisions the lowest stays."""
    return _number(identifier)


def kept(entries: Iterable[tuple[str, list[Any]]]) -> dict[str, list[Any]]:
    """Keep one decision for each place."""
    found: dict[str, list[Any]] = {}
    for place, entry in entries:
        if place not in found or entry[0] < found[place][0]:
            found[place] = entry
    return found


def merged(one: Mapping[str, Kept], other: Mapping[str, Kept]) -> dict[str, Kept]:
    """Merge what two windows kept of each field."""
    fields = {*one, *other}
    return {name: kept([*one.get(name, {}).items(), *other.get(name, {}).items()]) for name in sorted(fields)}


def by_group(some: Kept) -> dict[str, list[list[Any]]]:
    """Return what is counted of the kept decisions, by their group."""
    found: dict[str, list[list[Any]]] = defaultdict(list)
    for _, group, *counted in some.values():
        found[group].append(counted)
    return dict(found)


def _number(written: bytes) -> int:
    return int.from_bytes(blake2b(written, digest_size=4).digest())
