"""The protocol's gRPC messages from and to bytes; needs the extra `grpc`. Tensors travel raw or as typed contents."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError

from andon.serving.inference.errors import InferenceInvalid
from andon.serving.inference.messages import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    Parameter,
    ServerMetadata,
    TensorMetadata,
    WantedOutput,
)
from andon.serving.inference.protobuf import CLASSES
from andon.serving.inference.tensors import (
    Datatype,
    Tensor,
    binary_of,
    datatype_of,
    of_binary,
    of_numbers,
    shown,
    wrong,
)

_CONTENTS: Mapping[Datatype, str] = {
    Datatype.BOOL: "bool_contents",
    Datatype.INT8: "int_contents",
    Datatype.INT16: "int_contents",
    Datatype.INT32: "int_contents",
    Datatype.INT64: "int64_contents",
    Datatype.UINT8: "uint_contents",
    Datatype.UINT16: "uint_contents",
    Datatype.UINT32: "uint_contents",
    Datatype.UINT64: "uint64_contents",
    Datatype.FP32: "fp32_contents",
    Datatype.FP64: "fp64_contents",
    Datatype.BYTES: "bytes_contents",
}
"""Where typed contents stand; FP16 has none and travels raw."""


def message(name: str, content: bytes) -> Any:
    """Parse the protobuf message `name`. Raises InferenceInvalid."""
    try:
        return CLASSES[name].FromString(content)
    except DecodeError:
        raise InferenceInvalid(f"This is not a {name} of the Open Inference Protocol") from None


def decode_request(content: bytes) -> InferRequest:
    """Parse a ModelInferRequest; `binary` if its tensors came raw. Raises InferenceInvalid."""
    given = message("ModelInferRequest", content)
    return InferRequest(
        inputs=_tensors(given.inputs, given.raw_input_contents, "inputs"),
        outputs=[WantedOutput(each.name) for each in given.outputs],
        id=given.id,
        parameters=_parameters(given.parameters),
        model=given.model_name,
        version=given.model_version,
        binary=bool(given.raw_input_contents),
    )


def encode_request(request: InferRequest, *, raw: bool = True) -> bytes:
    """Serialize a ModelInferRequest, its tensors raw or as typed contents (all raw if one is FP16)."""
    built = CLASSES["ModelInferRequest"](model_name=request.model, model_version=request.version, id=request.id)
    _set_parameters(built.parameters, request.parameters)
    _add_tensors(built.inputs, built.raw_input_contents, request.inputs, raw=raw)
    for output in request.outputs:
        built.outputs.add(name=output.name)
    return _bytes(built)


def decode_response(content: bytes) -> InferResponse:
    """Parse a ModelInferResponse. Raises InferenceInvalid."""
    given = message("ModelInferResponse", content)
    return InferResponse(
        model=given.model_name,
        version=given.model_version,
        id=given.id,
        parameters=_parameters(given.parameters),
        outputs=_tensors(given.outputs, given.raw_output_contents, "outputs"),
    )


def encode_response(response: InferResponse, *, raw: bool = True) -> bytes:
    """Serialize a ModelInferResponse, its tensors raw or as typed contents (all raw if one is FP16)."""
    built = CLASSES["ModelInferResponse"](model_name=response.model, model_version=response.version, id=response.id)
    _set_parameters(built.parameters, response.parameters)
    _add_tensors(built.outputs, built.raw_output_contents, response.outputs, raw=raw)
    return _bytes(built)


def encode_model_metadata(metadata: ModelMetadata) -> bytes:
    """Serialize a ModelMetadataResponse."""
    built = CLASSES["ModelMetadataResponse"](name=metadata.name, versions=metadata.versions, platform=metadata.platform)
    for there, tensors in ((built.inputs, metadata.inputs), (built.outputs, metadata.outputs)):
        for tensor in tensors:
            there.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
    return _bytes(built)


def decode_model_metadata(content: bytes) -> ModelMetadata:
    """Parse a server's metadata of a model. Raises InferenceInvalid."""
    given = message("ModelMetadataResponse", content)
    inputs, outputs = (
        [TensorMetadata(each.name, datatype_of(each.name, each.datatype), tuple(each.shape)) for each in tensors]
        for tensors in (given.inputs, given.outputs)
    )
    return ModelMetadata(given.name, list(given.versions), given.platform, inputs, outputs)


def encode_server_metadata(metadata: ServerMetadata) -> bytes:
    """Serialize a ServerMetadataResponse."""
    return _bytes(
        CLASSES["ServerMetadataResponse"](name=metadata.name, version=metadata.version, extensions=metadata.extensions)
    )


def _tensors(given: Any, raw: Any, what: str) -> list[Tensor]:
    if raw and len(raw) != len(given):
        raise InferenceInvalid(f"{len(given)} {what}, but raw contents for {len(raw)}")
    names = [each.name for each in given]
    if "" in names:
        raise InferenceInvalid(f"One of the {what} has no name")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InferenceInvalid(f"{what} names {shown(twice)} twice")
    return [_tensor(each, raw[index] if raw else None) for index, each in enumerate(given)]


def _tensor(given: Any, raw: bytes | None) -> Tensor:
    name, datatype, shape = given.name, datatype_of(given.name, given.datatype), tuple(given.shape)
    filled = [field.name for field, _ in given.contents.ListFields()]
    if raw is not None:
        if filled:
            raise wrong(name, "it has both contents and raw contents")
        return of_binary(name, datatype, shape, raw)
    expected = _CONTENTS.get(datatype)
    if expected is None:
        raise wrong(name, f"{datatype} has no typed contents; send it as raw contents")
    odd = [field for field in filled if field != expected]
    if odd:
        raise wrong(name, f"{datatype} belongs in {expected}, not in {', '.join(odd)}")
    return of_numbers(name, datatype, shape, list(getattr(given.contents, expected)))


def _add_tensors(there: Any, raws: Any, tensors: Any, *, raw: bool) -> None:
    raw = raw or any(tensor.datatype is Datatype.FP16 for tensor in tensors)
    for tensor in tensors:
        added = there.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if raw:
            raws.append(binary_of(tensor))
        else:
            content = tensor.data if isinstance(tensor.data, list) else tensor.data.tolist()
            getattr(added.contents, _CONTENTS[tensor.datatype]).extend(content)


def _parameters(given: Mapping[str, Any]) -> Mapping[str, Parameter]:
    found: dict[str, Parameter] = {}
    for name, value in given.items():
        choice = value.WhichOneof("parameter_choice")
        if choice is None:
            raise InferenceInvalid(f"The parameter {shown(name)} has no value")
        found[name] = getattr(value, choice)
    return found


def _set_parameters(there: Any, parameters: Mapping[str, Parameter]) -> None:
    """Set protobuf parameters. Raises InferenceInvalid for an integer beyond 64 bits."""
    for name, value in parameters.items():
        if isinstance(value, bool):
            there[name].bool_param = value
        elif isinstance(value, str):
            there[name].string_param = value
        elif isinstance(value, float):
            there[name].double_param = value
        elif -(2**63) <= value < 2**63:
            there[name].int64_param = value
        else:
            raise InferenceInvalid(f"The parameter {shown(name)} does not fit into 64 bits")


def _bytes(built: Any) -> bytes:
    content: bytes = built.SerializeToString()
    return content
