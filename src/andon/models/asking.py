"""The answers of a packed model, from the runtime that will serve it; its figures rest on nothing else.

A model with its own code is asked in a fresh process, which sees the package and the installed libraries but not the
folder of the training script: so anything missing from the package is found now.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from andon import runtimes
from andon.models import answering
from andon.models.elsewhere import Elsewhere
from andon.models.errors import PackageInvalid
from andon.models.manifest import Runtime
from andon.models.signature import Signature
from andon.runtimes import Matrix

_SHOWN_LINES = 20


class PackedFile:
    """One packed model file.

    `modules` are the top-level modules imported to answer; they are known after the first answer.
    """

    def __init__(
        self, runtime: Runtime, file: Path, signature: Signature, *, elsewhere: Elsewhere | None = None
    ) -> None:
        self._request: Mapping[str, Any] = {"runtime": runtime, "file": str(file), "signature": asdict(signature)}
        self.modules: frozenset[str] = frozenset()
        if elsewhere is not None:
            self._predict = elsewhere.reach(signature)
        else:
            self._predict = self._predict_apart if runtime.isolated_only else _open(runtime, file, signature).predict

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]. Raises PackageInvalid, and whatever a library raises."""
        return self._predict(matrix)

    def _predict_apart(self, matrix: Matrix) -> Matrix:
        with TemporaryDirectory(prefix="andon-packing-") as name:
            folder = Path(name)
            (folder / answering.REQUEST).write_text(json.dumps(self._request), encoding="utf-8")
            if matrix.dtype == object:
                (folder / answering.TEXTS).write_text(json.dumps(matrix.tolist()), encoding="utf-8")
            else:
                np.save(folder / answering.ROWS, matrix)
            done = subprocess.run(  # noqa: S603 - running the builder's model is what was asked for
                [sys.executable, "-I", answering.__file__, str(Path(runtimes.__file__).parent), name],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                said = "".join(f"\n  {line}" for line in done.stderr.splitlines()[-_SHOWN_LINES:])
                raise PackageInvalid(f"The packed model does not answer in its own process:{said}")
            self.modules = frozenset(json.loads((folder / answering.MODULES).read_text(encoding="utf-8")))
            answer: Matrix = np.load(folder / answering.ANSWER, allow_pickle=False)
        return answer


def _open(runtime: Runtime, file: Path, signature: Signature) -> runtimes.Predictor:
    """Open the model; its maker runs it, so it is trusted."""
    try:
        return runtimes.open_model(runtime, file, trusted=True, signature=asdict(signature))
    except runtimes.ModelUnreadable as error:
        raise PackageInvalid(str(error)) from error
