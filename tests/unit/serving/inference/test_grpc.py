"""gRPC messages: they survive a round trip, raw or typed; misfits are named; nothing else is ever raised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.serving.inference import (
    Datatype,
    InferenceInvalid,
    InferRequest,
    InferResponse,
    ModelMetadata,
    TensorMetadata,
    grpc,
)
from andon.serving.inference.protobuf import CLASSES, MESSAGES
from unit.serving.inference.strategies import requests, responses, same


@given(requests(text=False), st.booleans())
def test_a_request_is_read_back_as_it_was_written(request: InferRequest, raw: bool) -> None:
    again = grpc.decode_request(grpc.encode_request(request, raw=raw))
    assert (again.id, again.parameters, list(again.outputs)) == (request.id, request.parameters, list(request.outputs))
    assert all(same(a, b) for a, b in zip(again.inputs, request.inputs, strict=True))


@given(responses(text=False), st.booleans())
def test_an_answer_is_read_back_as_it_was_written(response: InferResponse, raw: bool) -> None:
    again = grpc.decode_response(grpc.encode_response(response, raw=raw))
    assert (again.model, again.version, again.id) == (response.model, response.version, response.id)
    assert again.parameters == response.parameters
    assert all(same(a, b) for a, b in zip(again.outputs, response.outputs, strict=True))


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refused(content)


@given(requests(text=False), st.booleans(), st.data())
def test_a_damaged_request_is_read_or_refused(request: InferRequest, raw: bool, data: st.DataObject) -> None:
    content = grpc.encode_request(request, raw=raw)
    at = data.draw(st.integers(0, len(content) - 1))
    read_or_refused(content[:at] + data.draw(st.binary(max_size=3)) + content[at + 1 :])


TENSORS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["a", "b", ""]),
            "datatype": st.sampled_from([*Datatype, "FP8", ""]),
            "shape": st.lists(st.integers(-1, 4) | st.integers(-(2**63), 2**63 - 1), max_size=3),
            "contents": st.fixed_dictionaries(
                {},
                optional={
                    "bool_contents": st.lists(st.booleans(), max_size=4),
                    "int_contents": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
                    "uint_contents": st.lists(st.integers(0, 2**32 - 1), max_size=4),
                    "fp64_contents": st.lists(st.floats(), max_size=4),
                    "bytes_contents": st.lists(st.binary(max_size=4), max_size=4),
                },
            ),
        }
    ),
    max_size=3,
)


@given(TENSORS, st.lists(st.binary(max_size=40), max_size=3))
def test_what_is_almost_a_request_is_read_or_refused(inputs: list[object], raw: list[bytes]) -> None:
    message = CLASSES["ModelInferRequest"](model_name="m", inputs=inputs, raw_input_contents=raw)
    read_or_refused(message.SerializeToString())


@pytest.mark.parametrize(
    ("tensor", "raw", "words"),
    [
        ({"datatype": "FP32", "shape": [1]}, [], "has 1 elements, but its data has 0"),
        ({"datatype": "FP32", "shape": [1]}, [b"123"], "takes 4 bytes, but 3 were sent"),
        ({"datatype": "FP32", "shape": [1]}, [b"1234", b""], "1 inputs, but raw contents for 2"),
        ({"datatype": "FP32", "shape": [-1]}, [b""], "a dimension is negative"),
        ({"datatype": "FP32", "shape": [2**62]}, [b""], "a dimension is larger than"),
        ({"datatype": "BF16", "shape": [1]}, [b"12"], "unknown datatype 'BF16'"),
        ({"datatype": "FP16", "shape": [1]}, [], "FP16 has no typed contents"),
        ({"datatype": "INT8", "shape": [1], "contents": {"int_contents": [200]}}, [], "outside the range of INT8"),
        (
            {"datatype": "INT8", "shape": [1], "contents": {"int64_contents": [2]}},
            [],
            "belongs in int_contents, not in",
        ),
        ({"datatype": "INT8", "shape": [1], "contents": {"int_contents": [2]}}, [b"1"], "both contents and raw"),
        ({"datatype": "INT8", "shape": [1], "name": ""}, [b"1"], "has no name"),
    ],
)
def test_what_is_wrong_is_said(tensor: dict[str, object], raw: list[bytes], words: str) -> None:
    message = CLASSES["ModelInferRequest"](inputs=[{"name": "x", **tensor}], raw_input_contents=raw)
    with pytest.raises(InferenceInvalid, match=words):
        grpc.decode_request(message.SerializeToString())


def test_no_two_inputs_share_a_name_and_no_parameter_is_empty() -> None:
    tensor = {"name": "x", "datatype": "INT8", "shape": [0]}
    twice = CLASSES["ModelInferRequest"](inputs=[tensor, tensor])
    with pytest.raises(InferenceInvalid, match="names 'x' twice"):
        grpc.decode_request(twice.SerializeToString())
    empty = CLASSES["ModelInferRequest"](inputs=[tensor], parameters={"p": CLASSES["InferParameter"]()})
    with pytest.raises(InferenceInvalid, match="'p' has no value"):
        grpc.decode_request(empty.SerializeToString())


def test_a_models_metadata_is_read_back() -> None:
    tensor = TensorMetadata("x", Datatype.FP32, (-1, 4))
    metadata = ModelMetadata("m", ["1"], "any", [tensor], [tensor])
    assert grpc.decode_model_metadata(grpc.encode_model_metadata(metadata)) == metadata


def test_every_message_of_the_table_is_there_with_its_numbers() -> None:
    for path, fields in MESSAGES.items():
        descriptor = CLASSES[path].DESCRIPTOR
        assert {field.name: field.number for field in descriptor.fields} == {n: of[0] for n, of in fields.items()}


def read_or_refused(content: bytes) -> None:
    words: list[str] = []
    for read in (grpc.decode_request, grpc.decode_response, grpc.decode_model_metadata):
        try:
            read(content)
        except InferenceInvalid as error:
            words.append(str(error))
    assert all(len(said) < 1000 for said in words)
