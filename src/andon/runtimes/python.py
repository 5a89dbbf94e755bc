"""A user's Python class: `Class(folder)` once, then `predict(columns)`. This runs their code, so it needs trust.

`folder` holds the files packed with it; `columns` are raw values by feature (`columns.Decoder`); the answer is
probabilities [rows, classes], or P(positive) [rows].
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from .archive import Unpacked
from .columns import Decoder
from .errors import ModelUnreadable
from .outputs import Matrix, probabilities_given

ENTRY, CODE, FILES = "entry", "code", "files"
"""The contents of the archive: a text `module:Class`, importable code, and the class's files."""


class PythonPredictor:
    """An instance of the user's class."""

    def __init__(self, model: Any, decoder: Decoder, unpacked: Unpacked) -> None:
        self._model = model
        self._decoder = decoder
        self._unpacked = unpacked  # the class may read its files at any time

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]."""
        return probabilities_given(self._model.predict(self._decoder(matrix)))


def open_model(file: Path, *, trusted: bool, signature: Mapping[str, Any]) -> PythonPredictor:
    """Unpack the archive, put its code at the head of this process's import path and make an instance."""
    if not trusted:
        raise ModelUnreadable(f"{file.name} is Python code that was registered without trust; it is not run")
    unpacked = Unpacked(file)
    folder = unpacked.folder
    module, _, name = (folder / ENTRY).read_text(encoding="utf-8").partition(":")
    sys.path.insert(0, str(folder / CODE))
    model = getattr(import_module(module), name)(folder / FILES)
    return PythonPredictor(model, Decoder(signature), unpacked)
