"""References: the distributions of a model version's training data and held-out scores, in bins for live decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from andon.kernel.db import Tx
from andon.models import (
    FeatureKind,
    FeatureSpec,
    Manifest,
    ModelNotFound,
    ValueUnusable,
    VersionNotFound,
    encode,
    get,
    lengths_of,
    text_of,
)
from andon.statistics.histograms import (
    UNSEEN,
    Binning,
    Cells,
    FeatureReference,
    Floats,
    Histograms,
    category,
    numeric,
    reference_of,
)

SCORE = ""
"""The name of the score beside those of features."""

_KEPT = 300
"""The most references that a process keeps; they never change."""


@dataclass(frozen=True)
class ModelReference:
    """The reference of one model version: histograms of its features and scores, and how to count current values."""

    manifest: Manifest
    specs: tuple[FeatureSpec, ...]
    features: Histograms
    scores: Histograms
    watched: Histograms
    """Features and, as the last one, the score: what a detector follows."""

    def in_watched(self, cells: Cells, binning: Binning) -> Cells:
        """Return cells of features or scores as those of both: the last two, missing and infinite, are at its end."""
        return np.where(cells >= binning.width - 2, cells + self.watched.binning.width - binning.width, cells)

    def matrix(self, rows: Sequence[Mapping[str, Any]]) -> Floats:
        """Return one column per feature of rows: missing values as NaN, categories as codes, texts as lengths."""
        columns = [self._column(spec, [row.get(spec.name) for row in rows]) for spec in self.specs]
        return np.column_stack(columns) if columns else np.empty((len(rows), 0))

    def _column(self, spec: FeatureSpec, values: list[Any]) -> Floats:
        if spec.kind is FeatureKind.TEXT:
            return lengths_of(map(_text, values))
        if spec.kind is not FeatureKind.CATEGORY:
            return _numbers(spec, values)
        known = {name: float(at) for at, name in enumerate(self.manifest.profile.category[spec.name].counts)}
        unknown = np.nan if self.manifest.profile.category[spec.name].missing else UNSEEN
        keys = [_key(value) for value in values]
        codes = {}
        for key, value in dict(zip(keys, values, strict=True)).items():
            text = _text(value)
            codes[key] = np.nan if text is None else known.get(text, unknown)
        return np.array([codes[key] for key in keys], dtype=np.float64)


class References:
    """The references that a process has read."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], ModelReference | None] = {}

    def of(self, tx: Tx, model: str, version: int) -> ModelReference | None:
        """Return the reference of a model version; None if the registry does not have the version."""
        key = model, version
        if key not in self._found:
            if len(self._found) >= _KEPT:
                self._found.clear()
            self._found[key] = _read(tx, model, version)
        return self._found[key]


def reference_from(manifest: Manifest) -> ModelReference:
    """Build the reference from a manifest.

    Unknown values of a category count as missing, as in training.
    """
    profile = manifest.profile
    specs = tuple(s for s in manifest.signature.features if s.name in profile.numeric or s.name in profile.category)
    known = [_reference(manifest, spec) for spec in specs]
    score = profile.scores.edges, profile.scores.counts, profile.scores.missing
    return ModelReference(
        manifest,
        specs,
        reference_of(known),
        reference_of([numeric("score", *score)]),
        reference_of([*known, numeric(SCORE, *score)]),
    )


def _reference(manifest: Manifest, spec: FeatureSpec) -> FeatureReference:
    if spec.name in manifest.profile.category:
        known = manifest.profile.category[spec.name]
        return category(spec.name, known.counts, known.missing)
    number = manifest.profile.numeric[spec.name]
    return numeric(spec.name, number.edges, number.counts, number.missing)


def _read(tx: Tx, model: str, version: int) -> ModelReference | None:
    try:
        return reference_from(get(tx, model, version).manifest)
    except (ModelNotFound, VersionNotFound):
        return None


def _numbers(spec: FeatureSpec, values: list[Any]) -> Floats:
    """Encode numbers, booleans and times as training did; an invalid value counts as missing."""
    try:
        return np.asarray(encode([spec], {spec.name: values})[:, 0], dtype=np.float64)
    except ValueUnusable:
        return np.array([_number(spec, value) for value in values], dtype=np.float64)


def _number(spec: FeatureSpec, value: Any) -> float:
    try:
        return float(encode([spec], {spec.name: [value]})[0, 0])
    except ValueUnusable:
        return float("nan")


def _key(value: Any) -> Any:
    return type(value), value if isinstance(value, str | int | float) else repr(value)


def _text(value: Any) -> str | None:
    try:
        return text_of(value)
    except ValueUnusable:
        return None
