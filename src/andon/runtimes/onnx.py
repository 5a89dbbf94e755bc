"""ONNX models by ONNX Runtime: one thread that does not spin, since a batch takes microseconds and cores are shared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from .errors import ModelUnreadable
from .outputs import Matrix, probabilities_of


class OnnxPredictor:
    """A session.

    The last output holds the probabilities (skl2onnx, onnxmltools and hummingbird put the label first).
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        source = _only_input(session)
        self._input = source.name
        self._dtype = np.float64 if source.type == "tensor(double)" else np.float32
        self._outputs = [session.get_outputs()[-1].name]

    def predict(self, matrix: Matrix) -> Matrix:
        """Return raw probabilities [rows, classes]."""
        return probabilities_of(self._session.run(self._outputs, {self._input: matrix.astype(self._dtype)})[0])


def _only_input(session: onnxruntime.InferenceSession) -> Any:
    """Return the one input of floats [any number of rows, columns].

    Raises ModelUnreadable for a graph of another shape.
    """
    inputs = session.get_inputs()
    shown = ", ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs)
    if len(inputs) != 1 or inputs[0].type not in ("tensor(float)", "tensor(double)") or len(inputs[0].shape) != 2:
        raise ModelUnreadable(f"The graph takes ({shown}); expected one input of floats [rows, columns]")
    if isinstance(inputs[0].shape[0], int):
        raise ModelUnreadable(f"The graph takes exactly {inputs[0].shape[0]} rows; export it with a dynamic first axis")
    return inputs[0]


def open_model(file: Path, *, trusted: bool, signature: Mapping[str, Any]) -> OnnxPredictor:
    """Load an .onnx file. It is data, so it needs no trust."""
    del trusted, signature
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return OnnxPredictor(onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]))
