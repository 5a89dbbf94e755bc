"""The default model for free text and other columns: word and character TF-IDF, and a linear classifier.

It consists of scikit-learn's own classes, so skops saves it as data. scikit-learn is imported when a model is fitted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.models.embedding import SentenceEmbedding, fit_embedded
from andon.models.encoding import Rows, encode, encode_labels
from andon.models.errors import PackageInvalid
from andon.models.signature import FeatureKind, FeatureSpec
from andon.runtimes import Decoder, Matrix, frame_of

MOST_TEXTS = 20_000
"""The most rows that a model of texts learns from; a larger set is sampled, to bound time and memory."""

MOST_WORDS, MOST_PARTS = 20_000, 30_000
"""The largest vocabularies of one column: words and pairs of words, and parts of words."""

Weights: TypeAlias = dict[str, float]
"""The weight of each part of a ColumnTransformer; 1 if it is not named."""

STRENGTHS = (10.0, 100.0, 300.0)
"""Inverse strengths of regularisation; the best one is chosen on held-out rows."""

_TRIED_ROWS = 3_000
_TRIED_SHARE = 0.25
_FEWEST_TRIED = 200
_LOOKED_AT = 500
_ITERATIONS = 300
_TOLERANCE = 1e-3
_NUMBERS_WEIGHT = 0.1
"""The weight of numbers relative to words: unbounded values would outweigh a whole text."""
_SEED = 42


def fit_text(
    features: Sequence[FeatureSpec],
    rows: Rows,
    labels: Sequence[Any],
    classes: Sequence[str],
    *,
    embedding: SentenceEmbedding | None = None,
    light: bool = False,
) -> Any:
    """Fit a scikit-learn pipeline to raw rows with free texts; `pack` accepts it like any other classifier.

    Rows are in the order of time, if they have one: settings are chosen on the last of them. Drawn by chance, mails
    would be held out whose thread was learnt. More than MOST_TEXTS rows are sampled. An `embedding` replaces TF-IDF as
    the representation of the texts. `light` fits a smaller model, in a fraction of the time. Raises PackageInvalid.
    """
    strengths: Sequence[float] = STRENGTHS[1:2] if light else STRENGTHS
    words, parts = (MOST_WORDS // 2, MOST_PARTS // 3) if light else (MOST_WORDS, MOST_PARTS)
    matrix, numbers = encode(features, rows), encode_labels(classes, labels)
    drawn = _sample(len(numbers), MOST_TEXTS)
    matrix, numbers = matrix[drawn], numbers[drawn]
    _check_times(features)
    if embedding is not None:
        return fit_embedded(embedding, features, matrix, numbers)
    frame = frame_of_rows(features, matrix)
    seen = columns_seen(features, matrix, words, parts)
    texts = {feature.name: frame[feature.name] for feature in features if feature.kind is FeatureKind.TEXT}
    weights, strength = _best(seen, frame, numbers, _weightings(seen, texts), strengths)
    from sklearn.pipeline import make_pipeline

    return make_pipeline(seen.set_params(transformer_weights=weights), _classifier(strength)).fit(frame, numbers)


def columns_seen(features: Sequence[FeatureSpec], matrix: Matrix, words: int, parts: int) -> Any:
    """Return an unfitted transformer of raw columns, by name. Raises PackageInvalid if they hold no words."""
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    found: list[tuple[str, Any, Any]] = []
    columns = Decoder({"features": [asdict(feature) for feature in features]})(matrix)
    for name in [feature.name for feature in features if feature.kind is FeatureKind.TEXT]:
        usual: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32}
        of_words = TfidfVectorizer(ngram_range=(1, 2), max_features=words, **usual)
        of_parts = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), max_features=parts, **usual)
        for what, vectorizer in (("words", of_words), ("parts", of_parts)):
            if (least := _least_texts(vectorizer, columns[name])) is not None:
                found.append((f"{what} {name}", vectorizer.set_params(min_df=least), name))
    numbers = [feature.name for feature in features if feature.kind is FeatureKind.NUMBER]
    coded = [feature.name for feature in features if feature.kind in (FeatureKind.CATEGORY, FeatureKind.BOOLEAN)]
    if numbers:
        found.append(("numbers", make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()), numbers))
    if coded:
        found.append(("categories", OneHotEncoder(handle_unknown="ignore", dtype=np.float32), coded))
    if not found:
        raise PackageInvalid(f"{', '.join(feature.name for feature in features)} contains no words to learn from")
    return ColumnTransformer(found)


def _weightings(seen: Any, texts: Mapping[str, Any]) -> list[Weights]:
    """Return the weights to choose from: a word weighs as much in a short column as in a long one, or a column does.

    TF-IDF gives every text the length 1, so columns weigh the same, and one of five words of a subject outweighs one of
    the hundred of its mail. A text of different words has the length of the square root of their number. Which of the
    two is better depends on what people write into the short column.
    """
    words = {
        name: max(1.0, float(np.mean([len(set(str(text).lower().split())) for text in found[:_LOOKED_AT]])))
        for name, found in texts.items()
    }
    most = max(words.values(), default=1.0)
    names = {name: column for name, _, column in seen.transformers if isinstance(column, str)}
    equal_columns = {"numbers": _NUMBERS_WEIGHT} | dict.fromkeys(names, 1.0)
    equal_words = equal_columns | {name: float(np.sqrt(words[column] / most)) for name, column in names.items()}
    return [equal_words] if equal_words == equal_columns else [equal_words, equal_columns]


def _least_texts(vectorizer: Any, texts: NDArray[Any]) -> int | None:
    """Return the least number of texts with a term: two, or one if no term recurs; None if there are no terms."""
    analyze = vectorizer.build_analyzer()
    seen: set[str] = set()
    again = False
    for text in texts[:_LOOKED_AT].tolist():
        terms = set(analyze(text))
        again = again or not seen.isdisjoint(terms)
        seen |= terms
        if again and len(texts) >= _FEWEST_TRIED:
            return 2
    return 1 if seen else None


def _check_times(features: Sequence[FeatureSpec]) -> None:
    if times := [feature.name for feature in features if feature.kind is FeatureKind.TIME]:
        raise PackageInvalid(
            f"{', '.join(times)} is a time, which a text model cannot take: give it parts of the time, such as the hour"
        )


def frame_of_rows(features: Sequence[FeatureSpec], matrix: Matrix) -> Any:
    """Return encoded rows as the DataFrame for a model of texts."""
    return frame_of(Decoder({"features": [asdict(feature) for feature in features]})(matrix))


def _classifier(strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=_ITERATIONS, tol=_TOLERANCE)


def _best(
    seen: Any, frame: Any, labels: NDArray[np.int64], weightings: Sequence[Weights], strengths: Sequence[float]
) -> tuple[Weights, float]:
    """Return the weights and the strength with the best probabilities on the last rows, fitted to those before."""
    from scipy.sparse import csr_matrix, diags
    from sklearn.base import clone

    learnt, asked = trial_rows(labels)
    choices = [(weights, strength) for weights in weightings for strength in strengths]
    few = len(labels) < _FEWEST_TRIED or not len(asked) or len(np.unique(labels[learnt])) < 2
    if few or len(choices) == 1:
        return weightings[0], strengths[len(strengths) // 2]
    prepared = clone(seen)
    inputs = csr_matrix(prepared.fit_transform(frame.iloc[learnt]))
    tested = csr_matrix(prepared.transform(frame.iloc[asked]))
    losses = []
    for weights, strength in choices:
        scales = np.ones(inputs.shape[1])
        for name, columns in prepared.output_indices_.items():
            scales[columns] = weights.get(name, 1.0)
        model = _classifier(strength).fit(inputs @ diags(scales), labels[learnt])
        given = model.predict_proba(tested @ diags(scales))
        places = np.searchsorted(model.classes_, labels[asked])
        losses.append(-np.log(np.maximum(given[np.arange(len(asked)), places], 1e-9)).mean())
    return choices[int(np.argmin(losses))]


def trial_rows(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the rows that a trial learns from, and of the last rows, whose classes it is asked for.

    Rows sorted by class are mixed first: the last ones would be of one class. Rows of classes not learnt are left out.
    """
    rows = _sample(len(labels), _TRIED_ROWS)
    cut = round(len(rows) * (1 - _TRIED_SHARE))
    if 2 * len(np.unique(labels[rows[cut:]])) <= len(np.unique(labels[rows])):
        rows = np.random.default_rng(_SEED).permutation(rows)
    learnt, asked = rows[:cut], rows[cut:]
    return learnt, asked[np.isin(labels[asked], labels[learnt])]


def _sample(rows: int, most: int) -> NDArray[np.int64]:
    """Return the places of at most `most` rows, drawn by chance, in their order."""
    return np.sort(np.random.default_rng(_SEED).permutation(rows)[:most])
