"""What a server says of its model decides how it is asked; what does not fit is refused in words."""

import numpy as np
import pytest

from andon.serving import EndpointUnavailable
from andon.serving.inference import Datatype, InferResponse, ModelMetadata, TensorMetadata, of_array
from andon.serving.remote import RemoteDocument, ServerFailed
from andon.serving.remote.layout import TensorLayout, layout_of

COLUMNS = ("amount", "country")
ROWS = np.array([[1.0, np.nan], [3.0, 0.0]])


def of(*inputs: tuple[str, str, tuple[int, ...]], outputs: tuple[str, ...] = ("p",), **document: str) -> TensorLayout:
    tensors = [TensorMetadata(name, Datatype(datatype), shape) for name, datatype, shape in inputs]
    outs = [TensorMetadata(name, Datatype.FP32, (-1, 2)) for name in outputs]
    return layout_of(
        RemoteDocument(url="http://host", name="m", **document),  # type: ignore[arg-type]
        ModelMetadata("m", [], "", tensors, [TensorMetadata("label", Datatype.INT64, (-1,)), *outs]),
        COLUMNS,
    )


def test_one_input_takes_the_matrix_in_its_own_precision() -> None:
    (tensor,) = of(("x", "FP32", (-1, 2))).request(ROWS).inputs
    assert (tensor.name, tensor.datatype, tensor.shape) == ("x", "FP32", (2, 2))
    np.testing.assert_array_equal(tensor.array(), ROWS.astype(np.float32))


def test_several_inputs_take_a_column_each_in_any_order() -> None:
    request = of(("country", "FP64", (-1, 1)), ("amount", "FP32", (-1,))).request(ROWS)
    assert [(t.name, t.datatype, t.shape) for t in request.inputs] == [
        ("amount", "FP32", (2,)),
        ("country", "FP64", (2, 1)),
    ]
    assert request.inputs[0].values() == [1.0, 3.0]


def test_the_last_output_of_numbers_is_asked_for() -> None:
    assert [each.name for each in of(("x", "FP64", (-1, -1)), outputs=("a", "b")).request(ROWS).outputs] == ["b"]
    assert [each.name for each in of(("x", "FP64", (-1, 2)), output="mine").request(ROWS).outputs] == ["mine"]


def test_an_input_may_be_named_among_several() -> None:
    layout = of(("x", "FP64", (-1, 2)), ("mode", "FP64", (1,)), input="x")
    assert [each.name for each in layout.request(ROWS).inputs] == ["x"]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([("x", "FP64", (-1, 3))], "shape \\[-1, 3\\], not rows of 2 columns"),
        ([("x", "FP64", (-1, 2, 1))], "not rows of 2 columns"),
        ([("x", "INT64", (-1, 2))], "INT64, which has no missing value"),
        ([("x", "BYTES", (-1, 2))], "BYTES, which has no missing value"),
        ([("amount", "FP64", (-1,)), ("land", "FP64", (-1,))], "also needs land, and does not take country"),
        ([("amount", "FP64", (-1,)), ("country", "FP64", (-1, 4))], "not one number per row"),
    ],
)
def test_what_does_not_fit_is_refused(inputs: list[tuple[str, str, tuple[int, ...]]], words: str) -> None:
    with pytest.raises(EndpointUnavailable, match=words):
        of(*inputs)


def test_one_column_may_be_a_plain_vector() -> None:
    metadata = ModelMetadata("m", [], "", [TensorMetadata("x", Datatype.FP64, (-1,))], [])
    layout = layout_of(RemoteDocument(url="http://host", name="m"), metadata, ["amount"])
    assert layout.request(ROWS[:, :1]).inputs[0].shape == (2,)


@pytest.mark.parametrize(
    "values", [np.ones((2, 2, 2)), np.array(["a", "b"]), np.array(1.0)], ids=["too deep", "labels", "a number"]
)
def test_what_holds_no_probabilities_is_named(values: np.ndarray) -> None:
    layout = of(("x", "FP64", (-1, 2)))
    with pytest.raises(ServerFailed, match="contains no probabilities"):
        layout.probabilities(InferResponse("m", [of_array("p", values)]))
