"""Requests and responses of the Open Inference Protocol, independent of the transport."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from andon.serving.inference.errors import InferenceInvalid
from andon.serving.inference.tensors import Datatype, Tensor, shown

Parameter: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """An output that the caller wants; `binary` None leaves its form to the whole request's setting."""

    name: str
    binary: bool | None = None


@dataclass(frozen=True, slots=True)
class InferRequest:
    """Tensors for a model. No `outputs` means all; `binary` says that the answer may come in binary form."""

    inputs: Sequence[Tensor]
    outputs: Sequence[WantedOutput] = ()
    id: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    model: str = ""
    version: str = ""
    binary: bool = False


@dataclass(frozen=True, slots=True)
class InferResponse:
    """A model's response."""

    model: str
    outputs: Sequence[Tensor]
    version: str = ""
    id: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def output(self, name: str) -> Tensor:
        """Return the output of this name. Raises InferenceInvalid."""
        for tensor in self.outputs:
            if tensor.name == name:
                return tensor
        raise InferenceInvalid(f"The answer has no output {shown(name)}")


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """A tensor that a model takes or gives; a dimension of -1 may have any length."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """A model's inputs, outputs and versions."""

    name: str
    versions: Sequence[str]
    platform: str
    inputs: Sequence[TensorMetadata]
    outputs: Sequence[TensorMetadata]


@dataclass(frozen=True, slots=True)
class ServerMetadata:
    """The identity of the answering server."""

    name: str
    version: str
    extensions: Sequence[str]


def require_rows(tensors: Sequence[Tensor], most: int) -> int:
    """Return how many rows these tensors have, 1 to `most`, the same in each. Raises InferenceInvalid."""
    if not tensors:
        raise InferenceInvalid("The request has no inputs")
    first = tensors[0]
    for tensor in tensors:
        if tensor.rows != first.rows:
            raise InferenceInvalid(
                f"The inputs differ in their number of rows: {shown(first.name)} has {first.rows}, "
                f"{shown(tensor.name)} has "
                f"{tensor.rows}"
            )
    if not 1 <= first.rows <= most:
        raise InferenceInvalid(f"The request has {first.rows} rows; 1 to {most} are allowed")
    return first.rows
