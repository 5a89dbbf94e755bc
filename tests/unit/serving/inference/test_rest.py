"""REST bodies: what is written is read back; what does not fit is named; nothing else is ever raised."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.serving.inference import (
    Datatype,
    InferenceInvalid,
    InferRequest,
    InferResponse,
    ModelMetadata,
    Tensor,
    TensorMetadata,
    WantedOutput,
    of_array,
    require_rows,
    rest,
)
from unit.serving.inference.strategies import requests, responses, same


@given(requests())
def test_a_json_request_is_read_back_as_it_was_written(request: InferRequest) -> None:
    body, json_bytes = rest.encode_request(request)
    assert json_bytes is None
    assert_same_request(rest.decode_request(body), request)


@given(requests(text=False))
def test_a_binary_request_is_read_back_as_it_was_written(request: InferRequest) -> None:
    body, json_bytes = rest.encode_request(request, binary=True)
    assert_same_request(rest.decode_request(body, json_bytes), request)


@given(responses(), st.data())
def test_an_answer_is_read_back_whichever_outputs_are_binary(response: InferResponse, data: st.DataObject) -> None:
    names = [tensor.name for tensor in response.outputs]
    binary = data.draw(st.lists(st.sampled_from(names), unique=True))
    body, json_bytes = rest.encode_response(response, binary=binary)
    again = rest.decode_response(body, json_bytes)
    assert (again.model, again.version, again.id) == (response.model, "3", "7")
    assert again.parameters == response.parameters
    assert all(same(one, other) for one, other in zip(again.outputs, response.outputs, strict=True))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)
ALMOST = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "parameters": JSON | st.fixed_dictionaries({"binary_data_output": JSON}),
        "outputs": JSON | st.lists(st.fixed_dictionaries({"name": JSON | st.just("o"), "parameters": JSON})),
        "inputs": JSON
        | st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.just("a") | JSON,
                    "datatype": st.sampled_from([*Datatype, "FP8"]) | JSON,
                    "shape": st.lists(st.integers(-1, 4) | st.integers(), max_size=3) | JSON,
                },
                optional={
                    "data": st.lists(JSON, max_size=4) | JSON,
                    "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 40) | JSON}),
                },
            ),
            max_size=3,
        ),
    },
)


@given(ALMOST, st.binary(max_size=48), st.booleans())
def test_what_is_almost_a_request_is_read_or_refused(document: dict[str, Any], tail: bytes, announced: bool) -> None:
    head = json.dumps(document).encode()
    decoded_or_refused(head + tail, len(head) if announced else None)


@given(st.binary(max_size=200), st.none() | st.integers(0, 250))
def test_random_bytes_are_refused(body: bytes, json_bytes: int | None) -> None:
    decoded_or_refused(body, json_bytes)


@given(requests(text=False), st.data())
def test_a_damaged_binary_request_is_read_or_refused(request: InferRequest, data: st.DataObject) -> None:
    body, json_bytes = rest.encode_request(request, binary=True)
    at = data.draw(st.integers(0, len(body) - 1))
    decoded_or_refused(body[:at] + data.draw(st.binary(max_size=3)) + body[at + 1 :], json_bytes)


@given(requests(text=False), st.integers(1, 40))
def test_a_truncated_binary_request_is_refused(request: InferRequest, missing: int) -> None:
    body, json_bytes = rest.encode_request(request, binary=True)
    with pytest.raises(InferenceInvalid):
        rest.decode_request(body[: len(body) - missing], json_bytes)


def a_request(**tensor: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "shape": [2], "datatype": "INT32", "data": [1, 2], **tensor}]}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "must be an object"),
        ({}, "inputs must be an array"),
        ({"inputs": [7]}, "inputs must contain objects"),
        ({"inputs": [{}]}, "name must be a string"),
        ({**a_request(), "id": 7}, "id must be a string"),
        ({**a_request(), "parameters": {"a": [1]}}, "object of strings, numbers and booleans"),
        (
            {**a_request(), "outputs": [{"name": "o", "parameters": {"binary_data": 1}}]},
            "binary_data must be a boolean",
        ),
        ({"inputs": a_request()["inputs"] * 2}, "inputs names 'x' twice"),
        (a_request(datatype="FP8"), "unknown datatype 'FP8'"),
        (a_request(datatype=None), "datatype is missing"),
        (a_request(shape=None), "shape is missing"),
        (a_request(shape=[-1, -2]), "a dimension is negative"),
        (a_request(shape=[True, 2]), "a dimension is a bool"),
        (a_request(shape=[2.0]), "a dimension is a float"),
        (a_request(shape=[2**40]), "a dimension is larger than"),
        (a_request(shape=[2**30, 2**30, 2**30]), "has more than 2147483647 elements"),
        (a_request(shape=[1] * 33), "33 dimensions"),
        (a_request(shape=[3]), "has 3 elements, but its data has 2"),
        (a_request(shape=[2, 2], data=[[1, 2], [3]]), "does not match its shape"),
        (a_request(shape=[2, 2], data=[[[1]], [2], 3, 4]), "does not match its shape"),
        (a_request(data={}), "not an array"),
        (a_request(data=[1, None]), "contains null"),
        (a_request(datatype="BYTES", data=["a", None]), "contains null"),
        (a_request(data=[1, True]), "contains a boolean"),
        (a_request(data=[1, 2.5]), "contains a float"),
        (a_request(data=[1, 2**31]), "outside the range of INT32"),
        (a_request(datatype="UINT8", data=[1, -1]), "outside the range of UINT8"),
        (a_request(datatype="FP32", data=[1, 1e300]), "outside the range of FP32"),
        (a_request(datatype="FP64", data=[1, 10**400]), "outside the range of FP64"),
        (a_request(datatype="BYTES", data=["a", 1]), "contains a number, not only BYTES"),
        (a_request(parameters={"binary_data_size": 8}), "both data and binary_data_size"),
    ],
)
def test_what_is_wrong_is_said(document: object, words: str) -> None:
    with pytest.raises(InferenceInvalid, match=words):
        rest.decode_request(json.dumps(document).encode())


def binary_request(size: object, datatype: str = "INT32", shape: tuple[int, ...] = (2,)) -> bytes:
    tensor = {"name": "x", "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}
    return json.dumps({"inputs": [tensor]}).encode()


@pytest.mark.parametrize(
    ("head", "tail", "words"),
    [
        (binary_request(8), b"1234567", "cut off: 8 bytes were announced, but only 7 are left"),
        (binary_request(8), b"123456789", "take 8 bytes of binary data, but 9 were sent"),
        (binary_request(7), b"1234567", "takes 8 bytes, but 7 were sent"),
        (binary_request(-1), b"", "not a number of bytes"),
        (binary_request("8"), b"12345678", "not a number of bytes"),
        (binary_request(2, "BOOL"), b"\1\2", "a byte of 0 or 1"),
        (binary_request(4, "BYTES"), b"\0\0\0\0", "fewer elements than the 2"),
        (binary_request(12, "BYTES"), b"\0\0\0\0" * 3, "more elements than the 2"),
        (binary_request(6, "BYTES"), b"\5\0\0\0ab", "ends within an element"),
        (binary_request(3, "BYTES", (1,)), b"\0\0\0", "ends within an element"),
        (binary_request(0, "BYTES", (2**31 - 1,)), b"", "fewer elements than"),
        (binary_request(0, "FP64", (2**31 - 1,)), b"", "takes 17179869176 bytes, but 0 were sent"),
    ],
)
def test_binary_data_that_does_not_add_up_is_refused(head: bytes, tail: bytes, words: str) -> None:
    with pytest.raises(InferenceInvalid, match=words):
        rest.decode_request(head + tail, len(head))


def test_binary_data_needs_its_header() -> None:
    with pytest.raises(InferenceInvalid, match="no Inference-Header-Content-Length was sent"):
        rest.decode_request(binary_request(0, shape=(0,)))
    with pytest.raises(InferenceInvalid, match="the body has only 2 bytes"):
        rest.decode_request(b"{}", 3)


@pytest.mark.parametrize("given_", ["", "-1", "1.5", "٣", "9" * 30, "abc"])
def test_a_header_that_is_no_number_is_refused(given_: str) -> None:
    with pytest.raises(InferenceInvalid, match="expected a number of bytes"):
        rest.header_length(given_)


def test_the_rows_are_the_same_in_all_inputs_and_not_too_many() -> None:
    one, two = of_array("a", np.zeros((3, 1))), of_array("b", np.zeros(2))
    assert require_rows([one], 3) == 3
    for inputs, words in (([], "no inputs"), ([one, two], "'a' has 3, 'b' has 2"), ([one], "has 3 rows; 1 to 2")):
        with pytest.raises(InferenceInvalid, match=words):
            require_rows(inputs, 2)


def test_values_nested_as_the_shape_are_taken_row_by_row() -> None:
    body = json.dumps(a_request(shape=[2, 2], data=[[1, 2], [3, 4]])).encode()
    (tensor,) = rest.decode_request(body).inputs
    assert tensor.array().tolist() == [[1, 2], [3, 4]]


def test_what_json_cannot_hold_is_not_written_as_json() -> None:
    for tensor in (of_array("x", np.array([1.0, np.inf])), Tensor("x", Datatype.BYTES, (1,), [b"\xff"])):
        with pytest.raises(InferenceInvalid):
            rest.encode_request(InferRequest([tensor]))
        rest.encode_request(InferRequest([tensor]), binary=True)


def test_null_stands_for_a_number_that_is_missing() -> None:
    body, _ = rest.encode_request(InferRequest([of_array("x", np.array([1.0, np.nan]))]))
    assert b"[1.0,null]" in body
    (tensor,) = rest.decode_request(body).inputs
    assert tensor.values() == [1.0, None]


def test_outputs_are_binary_as_the_request_or_else_the_output_says() -> None:
    wanted = [WantedOutput("a"), WantedOutput("b", False), WantedOutput("c", True)]
    request = InferRequest([of_array("x", np.zeros(1))], wanted, binary=True)
    body, length = rest.encode_request(request)
    again = rest.decode_request(body, length)
    assert rest.binary_outputs(again, ["a", "b", "c", "d"]) == ["a", "c", "d"]


def test_a_models_metadata_is_read_back() -> None:
    tensor = TensorMetadata("x", Datatype.FP32, (-1, 4))
    metadata = ModelMetadata("m", ["1"], "any", [tensor], [])
    assert rest.decode_model_metadata(rest.encode_model_metadata(metadata)) == metadata
    with pytest.raises(InferenceInvalid, match="not an array of integers"):
        rest.decode_model_metadata(b'{"name": "m", "inputs": [{"name": "x", "datatype": "FP32", "shape": "4"}]}')


def decoded_or_refused(body: bytes, json_bytes: int | None) -> None:
    words: list[str] = []
    for decode in (rest.decode_request, rest.decode_response):
        try:
            decode(body, json_bytes)
        except InferenceInvalid as error:
            words.append(str(error))
    assert all(len(said) < 1000 for said in words)


def assert_same_request(one: InferRequest, other: InferRequest) -> None:
    assert (one.id, one.parameters, list(one.outputs)) == (other.id, other.parameters, list(other.outputs))
    assert all(same(a, b) for a, b in zip(one.inputs, other.inputs, strict=True))
