"""The layout of a matrix in requests and of probabilities in answers, fixed by the server's metadata of the model.

A model with one input takes the whole matrix; one with several takes a tensor per column, named like the column.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from andon.runtimes import Matrix, OutputUnusable, probabilities_of
from andon.serving.errors import EndpointUnavailable
from andon.serving.inference import (
    DTYPES,
    Datatype,
    InferenceInvalid,
    InferRequest,
    InferResponse,
    ModelMetadata,
    Tensor,
    TensorMetadata,
    WantedOutput,
    of_array,
)
from andon.serving.remote.document import RemoteDocument
from andon.serving.remote.errors import ServerFailed

_FLOATS = (Datatype.FP64, Datatype.FP32)
"""The datatypes that hold every number and NaN, a missing value."""

_UNNAMED = "input"
"""The name of the input where neither the server nor the builder says one."""


@dataclass(frozen=True, slots=True)
class Input:
    """One tensor of a request: the columns `start` to `end` of the matrix; `flat` leaves out the second dimension."""

    name: str
    datatype: Datatype
    start: int
    end: int
    flat: bool = False

    def tensor(self, matrix: Matrix) -> Tensor:
        """Return the tensor of a batch."""
        part = matrix[:, self.start] if self.flat else matrix[:, self.start : self.end]
        return of_array(self.name, part.astype(DTYPES[self.datatype]))


@dataclass(frozen=True, slots=True)
class TensorLayout:
    """The inputs of one model, and which output holds its probabilities (None: the last)."""

    model: str
    version: str
    inputs: Sequence[Input]
    output: str | None

    def request(self, matrix: Matrix) -> InferRequest:
        """Return the request for a batch."""
        return InferRequest(
            inputs=[each.tensor(matrix) for each in self.inputs],
            outputs=[] if self.output is None else [WantedOutput(self.output)],
            model=self.model,
            version=self.version,
        )

    def probabilities(self, response: InferResponse) -> Matrix:
        """Return the answer as [rows, classes]. Raises ServerFailed if it is not numbers in rows."""
        try:
            if not response.outputs:
                raise InferenceInvalid("it has no outputs")
            tensor = response.outputs[-1] if self.output is None else response.output(self.output)
            array = tensor.array()
            if array.ndim not in (1, 2):
                raise InferenceInvalid(
                    f"output {tensor.name!r} has shape {list(tensor.shape)}, expected rows and classes"
                )
            return probabilities_of(np.asarray(array, dtype=np.float64))
        except (InferenceInvalid, OutputUnusable) as error:
            raise ServerFailed(f"The answer for {self.model} contains no probabilities: {error}") from error


def layout_of(document: RemoteDocument, metadata: ModelMetadata, columns: Sequence[str]) -> TensorLayout:
    """Return how to ask this model, as its server describes it.

    Raises EndpointUnavailable if the columns do not fit.
    """
    return TensorLayout(
        model=document.name,
        version=document.version or "",
        inputs=_inputs(document, metadata, columns),
        output=document.output or _output(metadata),
    )


def _inputs(document: RemoteDocument, metadata: ModelMetadata, columns: Sequence[str]) -> list[Input]:
    described = {each.name: each for each in metadata.inputs}
    if not described:
        return [Input(document.input or _UNNAMED, Datatype.FP64, 0, len(columns))]
    if document.input is not None and document.input not in described:
        raise _unfit(document, f"has no input {document.input!r}; it takes {', '.join(described)}")
    if document.input is None and len(described) > 1:
        return _one_each(document, described, columns)
    whole = described[document.input] if document.input else next(iter(described.values()))
    width = whole.shape[-1] if whole.shape else 0
    if len(whole.shape) != 2 or width not in (-1, len(columns)):
        if len(columns) == 1 and len(described) == 1 and len(whole.shape) == 1:
            return [_column(document, whole, 0)]
        raise _unfit(document, f"takes {whole.name!r} of shape {list(whole.shape)}, not rows of {len(columns)} columns")
    return [Input(whole.name, _float_of(document, whole), 0, len(columns))]


def _one_each(document: RemoteDocument, described: dict[str, TensorMetadata], columns: Sequence[str]) -> list[Input]:
    if set(described) != set(columns):
        lacks = ", ".join(sorted(set(described) - set(columns))) or "nothing more"
        knows_not = ", ".join(sorted(set(columns) - set(described))) or "every column"
        raise _unfit(document, f"has an input each: it also needs {lacks}, and does not take {knows_not}")
    return [_column(document, described[column], at) for at, column in enumerate(columns)]


def _column(document: RemoteDocument, tensor: TensorMetadata, at: int) -> Input:
    if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ((), (1,), (-1,)):
        raise _unfit(document, f"takes {tensor.name!r} of shape {list(tensor.shape)}, not one number per row")
    return Input(tensor.name, _float_of(document, tensor), at, at + 1, flat=len(tensor.shape) == 1)


def _float_of(document: RemoteDocument, tensor: TensorMetadata) -> Datatype:
    if tensor.datatype not in _FLOATS:
        raise _unfit(
            document,
            f"takes {tensor.name!r} as {tensor.datatype}, which has no missing values; FP64 and FP32 have them",
        )
    return tensor.datatype


def _output(metadata: ModelMetadata) -> str | None:
    floats = [each.name for each in metadata.outputs if each.datatype in _FLOATS]
    return floats[-1] if floats else None


def _unfit(document: RemoteDocument, what: str) -> EndpointUnavailable:
    return EndpointUnavailable(f"Model {document.shown} at {document.url} {what}")
