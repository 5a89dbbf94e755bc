"""Sentence embeddings for a model of texts: finding the network and its tokenizer, and fitting a classifier on them.

Both are local files, in a folder or an installed package; nothing is downloaded. A model package contains copies.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray

from andon.models.errors import PackageInvalid
from andon.models.signature import FeatureKind, FeatureSpec
from andon.runtimes import Matrix

EXTRA = "pip install 'andon[text]'"

_TOKENIZER = "tokenizer.json"
_STRENGTH = 10.0
_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class SentenceEmbedding:
    """An ONNX network and its `tokenizer.json`: a folder, the .onnx file, or an installed package that holds them.

    `tokenizer` is another folder, file or package if the first has none. The first `max_tokens` of a text are read.
    """

    place: Path | str
    tokenizer: Path | str | None = None
    max_tokens: int = 256

    def files(self) -> tuple[Path, Path]:
        """Return the files of the network and the tokenizer. Raises PackageInvalid if one is missing."""
        network = _the_one(self.place, ".onnx")
        if self.tokenizer is not None:
            return network, _the_one(self.tokenizer, _TOKENIZER)
        beside = network.with_name(_TOKENIZER)
        return network, beside if beside.is_file() else _the_one(self.place, _TOKENIZER)


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A fitted classifier of embedded texts, as `pack` takes it."""

    head: Any
    network: Path
    tokenizer: Path
    max_tokens: int

    def write(self, file: Path) -> None:
        """Write the archive that `runtimes/embeddings.py` opens."""
        import skops.io

        of_runtime = runtime()
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            archive.write(self.network, of_runtime.NETWORK)
            archive.write(self.tokenizer, of_runtime.TOKENIZER)
            archive.writestr(of_runtime.OPTIONS, json.dumps({"max_tokens": self.max_tokens}))
            archive.writestr(of_runtime.HEAD, skops.io.dumps(self.head))


def fit_embedded(
    embedding: SentenceEmbedding, features: Sequence[FeatureSpec], matrix: Matrix, labels: NDArray[np.int64]
) -> EmbeddedModel:
    """Fit a linear classifier on the embeddings of all texts and on the other columns. Raises PackageInvalid."""
    network, tokenizer = embedding.files()
    of_runtime = runtime()
    try:
        embedder = of_runtime.Embedder(network, tokenizer, max_tokens=embedding.max_tokens)
    except Exception as error:  # each library raises its own errors for an unreadable file
        raise PackageInvalid(f"{network.name} with {tokenizer.name} cannot embed a text: {error}") from error
    signature = {"features": [asdict(feature) for feature in features]}
    texts = sum(feature.kind is FeatureKind.TEXT for feature in features)
    head = _head(features, texts * embedder.width)
    seen = of_runtime.EmbeddedTexts(embedder, signature)
    head.fit(seen(matrix, threads=os.cpu_count() or 1), labels)
    return EmbeddedModel(head, network, tokenizer, embedding.max_tokens)


def runtime() -> Any:
    """Return the runtime of embeddings. Raises PackageInvalid if the extra is not installed."""
    try:
        return import_module("andon.runtimes.embeddings")
    except ModuleNotFoundError as error:
        raise PackageInvalid(f"Sentence embeddings need {error.name}: `{EXTRA}`") from error


def _head(features: Sequence[FeatureSpec], width: int) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    others = [feature.kind for feature in features if feature.kind is not FeatureKind.TEXT]
    numbers = [width + at for at, kind in enumerate(others) if kind is FeatureKind.NUMBER]
    coded = [width + at for at, kind in enumerate(others) if kind is not FeatureKind.NUMBER]
    parts: list[tuple[str, Any, Any]] = [("texts", StandardScaler(), list(range(width)))]
    if numbers:
        parts.append(("numbers", make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()), numbers))
    if coded:
        parts.append(("categories", OneHotEncoder(handle_unknown="ignore"), coded))
    classifier = LogisticRegression(C=_STRENGTH / max(1, width), max_iter=_ITERATIONS, class_weight="balanced")
    return make_pipeline(ColumnTransformer(parts), classifier)


def _the_one(place: Path | str, ending: str) -> Path:
    found = sorted(set(_candidates(place, ending)))
    if len(found) == 1:
        return found[0]
    if found:
        raise PackageInvalid(
            f"{place} contains several: {', '.join(path.name for path in found)}; name one of the files"
        )
    raise PackageInvalid(f"{place} is not a file, folder or installed package with a {ending} file")


def _candidates(place: Path | str, ending: str) -> Iterator[Path]:
    path = Path(place)
    if path.is_file():
        yield from [path] if path.name.endswith(ending) else []
    elif path.is_dir():
        yield from (file for file in path.rglob("*") if file.name.endswith(ending))
    else:
        try:
            listed = metadata.files(str(place)) or []
        except (metadata.PackageNotFoundError, ValueError):
            return
        yield from (Path(str(file.locate())) for file in listed if file.name.endswith(ending))
