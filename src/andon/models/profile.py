"""The reference profile: the distributions of training data and held-out scores, in fixed bins."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from andon.models.encoding import columns_of
from andon.models.manifest import CategoryProfile, NumericProfile, Profile
from andon.models.signature import FeatureKind, FeatureSpec
from andon.runtimes import Matrix

BINS = 20
SCORE_BINS = 50


def profile_of(features: Sequence[FeatureSpec], matrix: Matrix, scores: NDArray[np.float64]) -> Profile:
    """Return the profile of an encoded training matrix and of calibrated held-out scores."""
    columns = columns_of(features)
    numeric, category = {}, {}
    for feature in features:
        column = matrix[:, columns.index(feature.name)]
        values = lengths_of(column) if feature.kind is FeatureKind.TEXT else column.astype(np.float64)
        if feature.kind is FeatureKind.CATEGORY:
            category[feature.name] = _category(feature.categories, values)
        else:
            numeric[feature.name] = _numeric(values, _edges(values[np.isfinite(values)]))
    edges = np.linspace(0.0, 1.0, SCORE_BINS + 1)
    return Profile(numeric=numeric, category=category, scores=_numeric(scores, edges))


def lengths_of(texts: Iterable[str | None]) -> NDArray[np.float64]:
    """Return how many characters each text has; NaN where it is missing."""
    return np.array([np.nan if text is None else len(text) for text in texts], dtype=np.float64)


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return bins of about equal counts; with few distinct values, one bin per value."""
    distinct = np.unique(values)
    if len(distinct) > BINS:
        return np.unique(np.quantile(values, np.linspace(0.0, 1.0, BINS + 1)))
    if len(distinct) == 0:
        return distinct
    return np.concatenate((distinct[:1], (distinct[1:] + distinct[:-1]) / 2, distinct[-1:]))


def _numeric(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NumericProfile:
    present = values[np.isfinite(values)]
    some = len(present) > 0
    return NumericProfile(
        edges=tuple(edges.tolist()),
        counts=tuple(np.histogram(present, edges)[0].tolist()) if some else (),
        minimum=float(present.min()) if some else None,
        maximum=float(present.max()) if some else None,
        mean=float(present.mean()) if some else None,
        missing=len(values) - len(present),
        rows=len(values),
    )


def _category(categories: Sequence[str], codes: NDArray[np.float64]) -> CategoryProfile:
    known = codes[np.isfinite(codes)].astype(np.int64)
    counts = np.bincount(known, minlength=len(categories)).tolist()
    return CategoryProfile(
        counts=dict(zip(categories, counts, strict=True)), missing=len(codes) - len(known), rows=len(codes)
    )
