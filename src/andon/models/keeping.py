"""The held-out rows that a package keeps: inputs, labels and answers, by which the decisions of any policy are judged.

A gate bounds the error of what a line decides by itself, and that depends on the policy as much as on the model. The
rows are one file of the package, protected like the model. There are at most MOST_ROWS, drawn at random.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from andon.models.encoding import Rows, values_of
from andon.models.errors import PackageDamaged
from andon.models.manifest import Manifest
from andon.runtimes import Matrix

HELD_OUT_FILE: Final = "held-out.json.gz"

MOST_ROWS: Final = 20_000

MOST_CHARACTERS: Final = 48_000_000
"""The most characters of the rows as JSON: fewer rows are kept where columns are many, or texts long."""

_MOST_BYTES = 4 * MOST_CHARACTERS
_FASTEST = 1


@dataclass(frozen=True, slots=True)
class HeldOutRows:
    """Rows by column, as they were given to `pack`, each with its label and its calibrated probabilities.

    `measuring` says of each row whether it measures; the others calibrate. `classes` are those of the model, in its
    order.
    """

    columns: Mapping[str, Sequence[Any]]
    labels: Sequence[str]
    classes: tuple[str, ...]
    probabilities: Matrix
    measuring: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)


def columns_at(rows: Rows, places: NDArray[np.int64]) -> dict[str, list[Any]]:
    """Return the columns of some rows as JSON has their values; one with a value that has no form in JSON is left out.

    A policy that reads such a column begins without a proof, which names it.
    """
    at = places.tolist()
    if isinstance(rows, Mapping):
        given = {str(name): values_of(column) for name, column in rows.items()}
        picked = {name: [values[place] for place in at] for name, values in given.items()}
    else:
        names = dict.fromkeys(str(name) for row in rows for name in row)
        picked = {name: [rows[place].get(name) for place in at] for name in names}
    found = {}
    for name, values in picked.items():
        with suppress(TypeError):
            found[name] = list(map(_plain, values))
    return found


def kept(
    columns: Mapping[str, Sequence[Any]],
    labels: Sequence[str],
    classes: Sequence[str],
    probabilities: Matrix,
    measuring: NDArray[np.int64],
    drawn: NDArray[np.int64],
) -> bytes:
    """Return the file of held-out rows.

    `measuring` are the places of the rows that measure, `drawn` all places in random order: the first ones are kept.
    """
    of_measuring = np.zeros(len(labels), dtype=np.bool_)
    of_measuring[measuring] = True
    places = np.sort(drawn[:MOST_ROWS])
    while True:
        written = json.dumps(
            {
                "columns": {name: [values[at] for at in places.tolist()] for name, values in columns.items()},
                "labels": [labels[at] for at in places.tolist()],
                "classes": list(classes),
                "probabilities": probabilities[places].tolist(),
                "measuring": of_measuring[places].tolist(),
            },
            separators=(",", ":"),
            ensure_ascii=False,
        )
        if len(written) <= MOST_CHARACTERS or len(places) < 2:
            return gzip.compress(written.encode("utf-8", "surrogatepass"), _FASTEST, mtime=0)
        places = np.sort(drawn[: len(places) // 2])


def read(packed: bytes) -> HeldOutRows:
    """Return the rows in a file. Raises PackageDamaged."""
    try:
        with gzip.open(BytesIO(packed)) as unpacked:
            written = unpacked.read(_MOST_BYTES + 1)
        if len(written) > _MOST_BYTES:
            raise PackageDamaged(f"{HELD_OUT_FILE} holds more than {MOST_CHARACTERS:,} characters")
        found = json.loads(written.decode("utf-8", "surrogatepass"))
        rows = HeldOutRows(
            {str(name): list(values) for name, values in found["columns"].items()},
            list(map(str, found["labels"])),
            tuple(map(str, found["classes"])),
            np.array(found["probabilities"], dtype=np.float64).reshape(-1, len(found["classes"])),
            np.array(found["measuring"], dtype=np.bool_),
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackageDamaged(f"{HELD_OUT_FILE} is not a file of held-out rows") from error
    lengths = {len(rows), len(rows.probabilities), len(rows.measuring), *map(len, rows.columns.values())}
    if len(lengths) > 1:
        raise PackageDamaged(f"The columns of {HELD_OUT_FILE} differ in length")
    return rows


def rows_in(folder: Path, manifest: Manifest) -> HeldOutRows | None:
    """Return the rows that the package in a folder keeps; None for an older package. Raises PackageDamaged."""
    return None if manifest.held_out is None else read((folder / manifest.held_out).read_bytes())


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; None for NaN. Raises TypeError."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if np.isfinite(number) else None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [_plain(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")
