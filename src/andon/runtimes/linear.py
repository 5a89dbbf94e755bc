"""Explanations of a class in a linear scikit-learn model: the part of each column, and of each word of a text.

A part is a column's value times its coefficient, for the class against the mean of all others. The parts of words and
of pieces of words are summed by the words of the text in which they occur.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .columns import Columns


class WeightedPart(NamedTuple):
    """The part that a feature, or one word of a text, had in a class; below zero it spoke against it."""

    feature: str
    word: str | None
    weight: float


_EDGES = re.compile(r"^\W+|\W+$")
_PIECES = ("char_wb", "char")


class LinearParts:
    """The parts of a pipeline whose last step is linear; built once for a model."""

    def __init__(self, steps: Sequence[Any], coefficients: NDArray[np.float64]) -> None:
        self._steps = steps
        self._coefficients = coefficients
        self._blocks = _blocks(steps)

    def __call__(self, inputs: Any, columns: Columns, chosen: Sequence[int]) -> list[list[WeightedPart]]:
        """Return the parts for the class in column `chosen` of each row, the greatest first."""
        numbers = inputs
        for step in self._steps:
            numbers = step.transform(numbers)
        return [
            self._of_row(_row(numbers, at), {name: values[at] for name, values in columns.items()}, which)
            for at, which in enumerate(chosen)
        ]

    def _of_row(self, row: NDArray[np.float64], values: Mapping[str, Any], chosen: int) -> list[WeightedPart]:
        weights = row * _against_others(self._coefficients, chosen)
        found = [part for block in self._blocks for part in block.parts(weights, values)]
        together: dict[tuple[str, str | None], float] = defaultdict(float)
        for part in found:
            together[part.feature, part.word] += part.weight
        parts = [WeightedPart(feature, word, weight) for (feature, word), weight in together.items() if weight]
        return sorted(parts, key=lambda part: (-abs(part.weight), part.feature, part.word or ""))


class _Block:
    """The matrix columns made by one transformer; `name` is that of the raw column, if it is one."""

    def __init__(self, place: slice, names: Sequence[str]) -> None:
        self._place = place
        self._names = names

    def parts(self, weights: NDArray[np.float64], values: Mapping[str, Any]) -> list[WeightedPart]:
        """Return a part for each column."""
        del values
        return [WeightedPart(name, None, float(w)) for name, w in zip(self._names, weights[self._place], strict=True)]


class _TextBlock:
    """The columns that a vectorizer made of one text."""

    def __init__(self, place: slice, feature: str, vectorizer: Any) -> None:
        self._place = place
        self._feature = feature
        self._vectorizer = vectorizer
        terms = getattr(vectorizer, "vocabulary_", None)
        self._terms = None if terms is None else {at: term for term, at in terms.items()}
        self._prepare: Callable[[str], str] = vectorizer.build_preprocessor()

    def parts(self, weights: NDArray[np.float64], values: Mapping[str, Any]) -> list[WeightedPart]:
        """Return a part for each word of the text, or for the whole text if the vectorizer knows no words."""
        own = weights[self._place]
        if self._terms is None:
            return [WeightedPart(self._feature, None, float(own.sum()))]
        by_term = {self._terms[at]: float(own[at]) for at in np.flatnonzero(own).tolist()}
        if self._vectorizer.analyzer in _PIECES:
            return self._of_pieces(by_term, self._prepare(str(values[self._feature])))
        return [
            WeightedPart(self._feature, word, weight / len(words))
            for term, weight in by_term.items()
            for words in (term.split(" "),)
            for word in words
        ]

    def _of_pieces(self, by_term: Mapping[str, float], text: str) -> list[WeightedPart]:
        """Share the weight of each piece among the words in which it occurs."""
        holders: dict[str, Counter[str]] = defaultdict(Counter)
        shortest, longest = self._vectorizer.ngram_range
        for token, times in Counter(text.split()).items():
            word, padded = _EDGES.sub("", token) or token, f" {token} "
            for length in range(shortest, longest + 1):
                for at in range(max(1, len(padded) - length + 1)):
                    piece = padded[at : at + length]
                    if piece in by_term:
                        holders[piece][word] += times
        return [
            WeightedPart(self._feature, word, by_term[piece] * times / sum(words.values()))
            for piece, words in holders.items()
            for word, times in words.items()
        ]


def parts_of_columns(values: NDArray[np.float64], chosen: int, columns: Sequence[str]) -> list[WeightedPart]:
    """Return a part for each feature of a model that reports each column's contribution, [classes or 1, columns]."""
    against = _against_others(values, chosen)
    together: dict[str, float] = defaultdict(float)
    for name, weight in zip(columns, against.tolist(), strict=True):
        together[name] += weight
    return sorted(
        (WeightedPart(name, None, weight) for name, weight in together.items()), key=lambda part: -abs(part.weight)
    )


def _against_others(each: NDArray[np.float64], chosen: int) -> NDArray[np.float64]:
    """Return the evidence for one class against the mean of the others; two classes have a single row."""
    if len(each) == 1:
        found = each[0] if chosen == 1 else -each[0]
    else:
        found = each[chosen] - np.delete(each, chosen, axis=0).mean(axis=0)
    return np.asarray(found, dtype=np.float64)


def linear_parts(model: Any, feature: str | None = None) -> LinearParts | None:
    """Return the explainer of a model; None if its last step is not linear. `feature` is the one text that it takes."""
    steps = [step for _, step in getattr(model, "steps", [("", model)])]
    last = steps[-1]
    coefficients = getattr(last, "coef_", None)
    if not hasattr(last, "decision_function") or coefficients is None or len(steps) < 2:
        return None
    if hasattr(steps[0], "build_analyzer") and len(steps) == 2 and feature is not None:
        return _TextParts(steps[0], np.asarray(coefficients, dtype=np.float64), feature)
    try:
        return LinearParts(steps[:-1], np.asarray(coefficients, dtype=np.float64))
    except (AttributeError, ValueError):  # steps that do not name the columns they make
        return None


class _TextParts(LinearParts):
    """The parts of a vectorizer and a linear step on one column of texts."""

    def __init__(self, vectorizer: Any, coefficients: NDArray[np.float64], feature: str) -> None:
        self._steps = [vectorizer]
        self._coefficients = coefficients
        self._blocks = [_TextBlock(slice(0, coefficients.shape[1]), feature, vectorizer)]


def _blocks(steps: Sequence[Any]) -> list[Any]:
    """Return a block for each column transformer, if no later step moves its columns."""
    first = steps[0]
    if len(steps) > 1 or not hasattr(first, "transformers_"):
        names = list(map(str, _names_out(steps)))
        return [_Block(slice(0, len(names)), names)]
    blocks: list[Any] = []
    for name, transformer, columns in first.transformers_:
        place = first.output_indices_.get(name)
        if place is None or place.start == place.stop:
            continue
        last = transformer.steps[-1][1] if hasattr(transformer, "steps") else transformer
        whole = transformer if not hasattr(transformer, "steps") else transformer.steps[0][1]
        if hasattr(whole, "build_analyzer") and whole is last and isinstance(columns, str):
            blocks.append(_TextBlock(place, columns, last))
        else:
            blocks.append(_Block(place, _names_of(transformer, columns, place.stop - place.start)))
    return blocks


def _names_of(transformer: Any, columns: Any, width: int) -> list[str]:
    """Return the names of a transformer's columns: its own, or that of the raw column for each."""
    given = [str(column) for column in ([columns] if isinstance(columns, str) else columns)]
    if len(given) == width:
        return given
    try:
        names = [str(name) for name in transformer.get_feature_names_out()]
    except (AttributeError, ValueError):
        names = []
    return names if len(names) == width else [" and ".join(given)] * width


def _names_out(steps: Sequence[Any]) -> Sequence[str]:
    names = None
    for step in steps:
        names = step.get_feature_names_out(names)
    return list(names) if names is not None else []


def _row(numbers: Any, at: int) -> NDArray[np.float64]:
    row = numbers[at]
    dense = row.toarray().ravel() if hasattr(row, "toarray") else np.asarray(row).ravel()
    return np.asarray(dense, dtype=np.float64)
