"""Texts by a sentence embedding: tokenizer, ONNX network and linear classifier in one archive (extra `text`).

Each text is embedded by itself: in a batch, a network with quantised activations answers differently next to other
texts, and a decision must not depend on its neighbours.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import skops.io
import tokenizers

from .archive import Unpacked
from .columns import Decoder, columns_of
from .errors import ModelUnreadable
from .linear import WeightedPart, parts_of_columns
from .outputs import Matrix, probabilities_of
from .plain_types import PLAIN_TYPES
from .structure import protobuf

NETWORK, TOKENIZER, HEAD, OPTIONS = "network.onnx", "tokenizer.json", "head.skops", "options.json"
"""The contents of the archive. The options set how many tokens of a text are read."""

MOST_TOKENS = 8_192
_MOST_LETTERS_A_TOKEN = 32
_TINY = 1e-12
_TENSORS = ("input_ids", "attention_mask", "token_type_ids")


class Embedder:
    """Maps texts to vectors of length one: the mean of the network's answers for a text's first tokens."""

    def __init__(self, network: Path, tokenizer: Path, *, max_tokens: int) -> None:
        if not 1 <= max_tokens <= MOST_TOKENS:
            raise ModelUnreadable(f"{max_tokens} tokens of a text were requested; expected 1 to {MOST_TOKENS:,}")
        protobuf.check(network, 0)
        self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=max_tokens)
        self._letters = max_tokens * _MOST_LETTERS_A_TOKEN
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._inputs = [given.name for given in self._session.get_inputs()]
        if not set(self._inputs) <= set(_TENSORS) or _TENSORS[0] not in self._inputs:
            raise ModelUnreadable(
                f"The network takes {', '.join(self._inputs)}; a sentence embedding takes {', '.join(_TENSORS)}"
            )
        self._output = self._session.get_outputs()[0].name
        self.width = len(self._vector(""))

    def __call__(self, texts: Sequence[str], *, threads: int = 1) -> Matrix:
        """Return a vector [texts, width] for each text; equal texts are embedded once. Threads share the texts."""
        distinct = list(dict.fromkeys(texts))
        if threads == 1:
            vectors = list(map(self._vector, distinct))
        else:
            with ThreadPoolExecutor(threads) as pool:
                vectors = list(pool.map(self._vector, distinct))
        known = dict(zip(distinct, vectors, strict=True))
        return np.array([known[text] for text in texts], dtype=np.float64).reshape(len(texts), -1)

    def _vector(self, text: str) -> Any:
        encoded = self._tokenizer.encode(text[: self._letters])
        ids = encoded.ids or [0]
        tensors = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": [0] * len(ids)}
        given = {name: np.array([tensors[name]], dtype=np.int64) for name in self._inputs}
        answer = np.asarray(self._session.run([self._output], given)[0], dtype=np.float64)
        if answer.ndim not in (2, 3) or len(answer) != 1:
            raise ModelUnreadable(
                f"The network answers with shape {list(answer.shape)}; a sentence embedding is [texts, tokens, width]"
            )
        vector = answer[0].mean(axis=0) if answer.ndim == 3 else answer[0]
        return vector / max(float(np.linalg.norm(vector)), _TINY)


class EmbeddedTexts:
    """The matrix that the classifier sees: the embedding of each text, then all other columns as they are encoded."""

    def __init__(self, embedder: Embedder, signature: Mapping[str, Any]) -> None:
        self._embedder = embedder
        self._decoder = Decoder(signature)
        self._texts = [feature["name"] for feature in signature["features"] if feature["kind"] == "text"]
        columns = columns_of(signature)
        self._others = [at for at, name in enumerate(columns) if name not in self._texts]
        self._names = [columns[at] for at in self._others]

    def owners(self, seen: Any) -> list[str]:
        """Return the feature behind each column that `seen` passes to the classifier."""
        own = [name for name in self._texts for _ in range(self._embedder.width)] + self._names
        owners: list[str] = []
        for _, transformer, columns in seen[0].transformers_:
            if isinstance(columns, str) or not len(columns) or transformer == "drop":
                continue
            widths = [len(some) for some in getattr(transformer, "categories_", [[0]] * len(columns))]
            owners += [own[at] for at, width in zip(columns, widths, strict=True) for _ in range(width)]
        return owners

    def __call__(self, matrix: Matrix, *, threads: int = 1) -> Matrix:
        """Return the numbers [rows, columns]."""
        columns = self._decoder(matrix)
        parts = [self._embedder(columns[name].tolist(), threads=threads) for name in self._texts]
        return np.hstack([*parts, matrix[:, self._others].astype(np.float64)])


class EmbeddingPredictor:
    """A classifier of embedded texts."""

    def __init__(self, head: Any, texts: EmbeddedTexts) -> None:
        self._head = head
        self._texts = texts

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]."""
        numbers = self._texts(matrix)
        return np.vstack(
            [probabilities_of(self._head.predict_proba(numbers[at : at + 1])) for at in range(len(numbers))]
        )

    def parts(self, matrix: Matrix, chosen: Sequence[int]) -> list[list[WeightedPart]] | None:
        """Return the contribution of each whole text, and of each other column, to these columns of its answers."""
        seen, classifier = self._head[:-1], self._head[-1]
        coefficients = np.asarray(classifier.coef_, dtype=np.float64)
        numbers = np.asarray(seen.transform(self._texts(matrix)))
        owners = self._texts.owners(seen)
        return [parts_of_columns(coefficients * row, which, owners) for row, which in zip(numbers, chosen, strict=True)]


def open_model(file: Path, *, trusted: bool, signature: Mapping[str, Any]) -> EmbeddingPredictor:
    """Unpack the archive. Its content is data, so it needs no trust; a classifier of unknown types is refused."""
    del trusted
    unpacked = Unpacked(file)
    options = json.loads((unpacked.folder / OPTIONS).read_text(encoding="utf-8"))
    head = skops.io.load(unpacked.folder / HEAD, trusted=sorted(PLAIN_TYPES))
    embedder = Embedder(unpacked.folder / NETWORK, unpacked.folder / TOKENIZER, max_tokens=int(options["max_tokens"]))
    return EmbeddingPredictor(head, EmbeddedTexts(embedder, signature))
