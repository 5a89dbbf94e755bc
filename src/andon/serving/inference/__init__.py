"""The Open Inference Protocol, version 2, as pure bytes: tensors and messages, with REST and gRPC forms of both.

    Tensor, of_array          a tensor, checked; from numpy
    InferRequest, InferResponse, ModelMetadata, ServerMetadata
    rest                      decode_request, encode_response, ... for HTTP bodies, with the binary tensor extension
    grpc, protobuf            the same for gRPC; imported only where needed, since they require the extra `grpc`

Everything malformed raises InferenceInvalid. No socket is opened here.
"""

from andon.serving.inference import rest
from andon.serving.inference.errors import InferenceInvalid
from andon.serving.inference.messages import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    Parameter,
    ServerMetadata,
    TensorMetadata,
    WantedOutput,
    require_rows,
)
from andon.serving.inference.tensors import DTYPES, Array, Datatype, Tensor, of_array, shown

__all__ = [
    "DTYPES",
    "Array",
    "Datatype",
    "InferRequest",
    "InferResponse",
    "InferenceInvalid",
    "ModelMetadata",
    "Parameter",
    "ServerMetadata",
    "Tensor",
    "TensorMetadata",
    "WantedOutput",
    "of_array",
    "require_rows",
    "rest",
    "shown",
]
