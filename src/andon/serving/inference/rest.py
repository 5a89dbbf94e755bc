"""The protocol's REST bodies: JSON, followed by binary tensors from `Inference-Header-Content-Length` on."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json, to_json

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
from andon.serving.inference.tensors import (
    Tensor,
    binary_of,
    datatype_of,
    elements,
    of_binary,
    of_values,
    shown,
    wrong,
)

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header that says how many bytes of the body are JSON."""

EXTENSIONS = ("binary_tensor_data",)


def header_length(given: str | None) -> int | None:
    """Return the value of that header. Raises InferenceInvalid if it is not a number of bytes."""
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise InferenceInvalid(f"{HEADER_LENGTH}: expected a number of bytes")
    return int(given)


def decode_request(body: bytes, json_bytes: int | None = None) -> InferRequest:
    """Parse a request; the first `json_bytes` of the body are JSON, None means all. Raises InferenceInvalid."""
    document, binary = _parts(body, json_bytes)
    parameters = _parameters(document, "request")
    outputs = [_wanted(each) for each in _list(document, "outputs", required=False)]
    return InferRequest(
        inputs=_tensors(document, "inputs", binary),
        outputs=outputs,
        id=_text(document, "id", required=False),
        binary=_flag(parameters, "binary_data_output") or False,
        parameters={name: value for name, value in parameters.items() if name != "binary_data_output"},
    )


def encode_request(request: InferRequest, *, binary: bool = False) -> tuple[bytes, int | None]:
    """Return the body, and how much of it is JSON (None: all). With `binary` the inputs are sent in binary form."""
    document: dict[str, Any] = {"id": request.id} if request.id else {}
    parameters = {**request.parameters, **({"binary_data_output": True} if request.binary else {})}
    if parameters:
        document["parameters"] = parameters
    document["inputs"], tail = _described(request.inputs, {tensor.name for tensor in request.inputs} if binary else ())
    if request.outputs:
        document["outputs"] = [
            {"name": each.name} | ({} if each.binary is None else {"parameters": {"binary_data": each.binary}})
            for each in request.outputs
        ]
    return _body(document, tail)


def decode_response(body: bytes, json_bytes: int | None = None) -> InferResponse:
    """Parse an answer; the first `json_bytes` of the body are JSON, None means all. Raises InferenceInvalid."""
    document, binary = _parts(body, json_bytes)
    return InferResponse(
        model=_text(document, "model_name", required=False),
        version=_text(document, "model_version", required=False),
        id=_text(document, "id", required=False),
        parameters=_parameters(document, "response"),
        outputs=_tensors(document, "outputs", binary),
    )


def encode_response(response: InferResponse, *, binary: Sequence[str] = ()) -> tuple[bytes, int | None]:
    """Return the body, and how much of it is JSON (None: all). `binary` names the outputs sent in binary form."""
    document: dict[str, Any] = {"model_name": response.model}
    if response.version:
        document["model_version"] = response.version
    if response.id:
        document["id"] = response.id
    if response.parameters:
        document["parameters"] = response.parameters
    document["outputs"], tail = _described(response.outputs, binary)
    return _body(document, tail)


def binary_outputs(request: InferRequest, names: Sequence[str]) -> list[str]:
    """Which of these outputs the caller wants in binary form."""
    said = {each.name: each.binary for each in request.outputs if each.binary is not None}
    return [name for name in names if said.get(name, request.binary)]


def encode_model_metadata(metadata: ModelMetadata) -> bytes:
    """Return the body that describes a model."""
    return to_json(
        {
            "name": metadata.name,
            "versions": metadata.versions,
            "platform": metadata.platform,
            "inputs": [_metadata(tensor) for tensor in metadata.inputs],
            "outputs": [_metadata(tensor) for tensor in metadata.outputs],
        }
    )


def decode_model_metadata(body: bytes) -> ModelMetadata:
    """Parse a server's description of a model. Raises InferenceInvalid."""
    document = _document(body)
    versions = _list(document, "versions", required=False)
    return ModelMetadata(
        name=_text(document, "name"),
        versions=[str(version) for version in versions],
        platform=_text(document, "platform", required=False),
        inputs=[_tensor_metadata(each) for each in _list(document, "inputs", required=False)],
        outputs=[_tensor_metadata(each) for each in _list(document, "outputs", required=False)],
    )


def encode_server_metadata(metadata: ServerMetadata) -> bytes:
    """Return the body that describes the server."""
    return to_json({"name": metadata.name, "version": metadata.version, "extensions": metadata.extensions})


def _parts(body: bytes, json_bytes: int | None) -> tuple[dict[str, Any], memoryview | None]:
    """Return the JSON document, and the bytes after it (None if nothing was announced)."""
    if json_bytes is None:
        return _document(body), None
    if json_bytes > len(body):
        raise InferenceInvalid(f"{HEADER_LENGTH} is {json_bytes}, but the body has only {len(body)} bytes")
    return _document(body[:json_bytes]), memoryview(body)[json_bytes:]


def _document(text: bytes) -> dict[str, Any]:
    try:
        document = from_json(text, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise InferenceInvalid(f"Invalid JSON: {error}") from None
    if not isinstance(document, dict):
        raise InferenceInvalid("The JSON must be an object")
    return document


def _tensors(document: Mapping[str, Any], key: str, binary: memoryview | None) -> list[Tensor]:
    tensors: list[Tensor] = []
    names: set[str] = set()
    at = 0
    for given in _list(document, key):
        tensor, at = _tensor(given, key, binary, at)
        if tensor.name in names:
            raise InferenceInvalid(f"{key} names {shown(tensor.name)} twice")
        names.add(tensor.name)
        tensors.append(tensor)
    if binary is not None and at != len(binary):
        raise InferenceInvalid(f"The tensors take {at} bytes of binary data, but {len(binary)} were sent")
    return tensors


def _tensor(given: object, key: str, binary: memoryview | None, at: int) -> tuple[Tensor, int]:
    """One tensor, and where the binary data of the next begins."""
    if not isinstance(given, dict):
        raise InferenceInvalid(f"{key} must contain objects")
    name = _text(given, "name")
    datatype = datatype_of(name, given.get("datatype"))
    shape = given.get("shape")
    if not isinstance(shape, list):
        raise wrong(name, "its shape is missing or not an array")
    elements(name, shape)
    size = _parameters(given, name).get("binary_data_size")
    if size is None:
        if "data" not in given:
            raise wrong(name, "it has no data")
        return of_values(name, datatype, tuple(shape), given["data"]), at
    if "data" in given:
        raise wrong(name, "it has both data and binary_data_size")
    if type(size) is not int or size < 0:
        raise wrong(name, "its binary_data_size is not a number of bytes")
    if binary is None:
        raise wrong(name, f"it has a binary_data_size, but no {HEADER_LENGTH} was sent")
    if at + size > len(binary):
        raise wrong(
            name, f"its binary data is cut off: {size} bytes were announced, but only {len(binary) - at} are left"
        )
    return of_binary(name, datatype, tuple(shape), binary[at : at + size]), at + size


def _described(tensors: Sequence[Tensor], binary: Sequence[str] | set[str]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Tensors as JSON, and the binary data that follows it."""
    described: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for tensor in tensors:
        content: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if tensor.name in binary:
            tail.append(binary_of(tensor))
            content["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            content["data"] = tensor.values()
        described.append(content)
    return described, tail


def _body(document: Mapping[str, Any], tail: Sequence[bytes]) -> tuple[bytes, int | None]:
    head = to_json(document)
    return (b"".join((head, *tail)), len(head)) if tail else (head, None)


def _wanted(given: object) -> WantedOutput:
    if not isinstance(given, dict):
        raise InferenceInvalid("outputs must contain objects")
    name = _text(given, "name")
    return WantedOutput(name, _flag(_parameters(given, name), "binary_data"))


def _flag(parameters: Mapping[str, Parameter], key: str) -> bool | None:
    value = parameters.get(key)
    if value is not None and not isinstance(value, bool):
        raise InferenceInvalid(f"The parameter {key} must be a boolean")
    return value


def _parameters(given: Mapping[str, Any], where: str) -> Mapping[str, Parameter]:
    parameters = given.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict) or not all(
        isinstance(v, bool | int | float | str) for v in parameters.values()
    ):
        raise InferenceInvalid(f"The parameters of {shown(where)} must be an object of strings, numbers and booleans")
    return parameters


def _list(document: Mapping[str, Any], key: str, *, required: bool = True) -> list[Any]:
    given = document.get(key)
    if given is None and not required:
        return []
    if not isinstance(given, list):
        raise InferenceInvalid(f"{key} must be an array")
    return given


def _text(given: Mapping[str, Any], key: str, *, required: bool = True) -> str:
    value = given.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise InferenceInvalid(f"{key} must be a string" + (" that is not empty" if required else ""))
    return value


def _metadata(tensor: TensorMetadata) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}


def _tensor_metadata(given: object) -> TensorMetadata:
    if not isinstance(given, dict):
        raise InferenceInvalid("The tensors of a model must be objects")
    name = _text(given, "name")
    shape = given.get("shape")
    if not isinstance(shape, list) or not all(type(length) is int for length in shape):
        raise wrong(name, "its shape is not an array of integers")
    return TensorMetadata(name, datatype_of(name, given.get("datatype")), tuple(shape))
