"""A small neural network as torch.onnx.export writes one: a named batch axis, float32 in, imputation, softmax out."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

HIDDEN = 8


def a_network(file: Path, *, columns: int, classes: int, rows: int | str = "batch", seed: int = 1) -> Path:
    """Write it to `file`; `rows` is the batch axis, a name or (as a careless export leaves it) a number."""
    rng = np.random.default_rng(seed)
    arrays = {
        "hidden.weight": rng.normal(size=(HIDDEN, columns)),
        "hidden.bias": rng.normal(size=HIDDEN),
        "last.weight": rng.normal(size=(classes, HIDDEN)),
        "last.bias": rng.normal(size=classes),
        "scale": np.full(columns, 1e-3),
        "fill": np.zeros(1),
    }
    nodes = [
        helper.make_node("IsNaN", ["rows"], ["missing"]),
        helper.make_node("Where", ["missing", "fill", "rows"], ["filled"]),
        helper.make_node("Mul", ["filled", "scale"], ["scaled"]),
        helper.make_node("Tanh", ["scaled"], ["bounded"]),
        helper.make_node("Gemm", ["bounded", "hidden.weight", "hidden.bias"], ["hidden"], transB=1),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "last.weight", "last.bias"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [rows, columns])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [rows, classes])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="pytorch", ir_version=10
    )
    save_model(model, str(file))
    return file
