"""The model for every peer: one ONNX Runtime session with one thread that does not spin, as in Andon.

On the module path of each peer's server (PYTHONPATH). The environment gives MODEL_FILE, PORT, SPARE_PORTS and
SCRATCH.
"""

import os
from typing import Any

import numpy as np
import onnxruntime


class ServedModel:
    """The session of MODEL_FILE."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            os.environ["MODEL_FILE"], options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._outputs = [self._session.get_outputs()[-1].name]

    def scores(self, rows: Any) -> list[float]:
        """Return the probability of the positive class for each row."""
        matrix = np.asarray(rows, dtype=np.float32)
        scores: list[float] = self._session.run(self._outputs, {self._input: matrix})[0][:, 1].tolist()
        return scores
