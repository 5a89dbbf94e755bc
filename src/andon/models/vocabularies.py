"""The parts of a scikit-learn model that read text, and their vocabularies as plain numbers."""

from collections.abc import Iterator
from typing import Any


def made_plain(model: Any) -> bool:
    """Make each vocabulary's positions plain integers and return whether there is one.

    A vectorizer limited to some features holds NumPy integers, and skops writes a file for each of those.
    """
    found = False
    for step in parts_of(model):
        known = getattr(step, "vocabulary_", None)
        if isinstance(known, dict):
            step.vocabulary_ = {str(term): int(at) for term, at in known.items()}
            found = True
    return found


def reads_text(step: Any) -> bool:
    """Return whether a fitted part takes raw texts, as scikit-learn's vectorizers do."""
    return hasattr(step, "build_analyzer")


def first_of(model: Any) -> Any:
    """Return the part of a model that receives its rows first."""
    steps = getattr(model, "steps", None)
    return first_of(steps[0][1]) if steps else model


def parts_of(model: Any) -> Iterator[Any]:
    """Yield a model and all the fitted parts within it.

    The parts are steps, transformers of columns, members of unions, and calibrated models.
    """
    yield model
    for _, step in [*getattr(model, "steps", ()), *getattr(model, "transformer_list", ())]:
        yield from parts_of(step)
    for _, transformer, _ in getattr(model, "transformers_", ()):
        yield from parts_of(transformer)
    for inner in getattr(model, "calibrated_classifiers_", ()):
        yield from parts_of(inner.estimator)
    for name in ("estimator_", "best_estimator_"):
        if (inner := getattr(model, name, None)) is not None:
            yield from parts_of(inner)
