"""Output tensors of decisions, one row for each decision. Pure."""

from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any, NamedTuple

import numpy as np

from andon.decisions import Decision, DecisionRecord, Judgement, LineRef, RecordReader
from andon.serving import Prediction
from andon.serving.inference import (
    DTYPES,
    Datatype,
    InferenceInvalid,
    InferResponse,
    Parameter,
    Tensor,
    TensorMetadata,
    shown,
)


class Inferred(NamedTuple):
    """The outputs of one decision, made now or read back from the ledger."""

    id: str
    line: LineRef
    judgement: Judgement

    @property
    def prediction(self) -> Prediction | None:
        """The prediction of the model; None if it failed."""
        return self.judgement.prediction


def inferred(decision: Decision) -> Inferred:
    """Return the outputs of a decision that was made now."""
    return Inferred(str(decision.request.id), decision.line, decision.judgement)


def inferred_again(record: DecisionRecord) -> Inferred:
    """Return the outputs of a decision in the ledger."""
    read = RecordReader().take(record.record)
    return Inferred(read.key, read.line, read.judgement)


_READ: Mapping[str, tuple[Datatype, Callable[[Inferred], Any]]] = {
    "outcome": (Datatype.BYTES, lambda row: row.judgement.ruling.outcome),
    "score": (Datatype.FP64, lambda row: nan if row.prediction is None else row.prediction.score),
    "label": (Datatype.BYTES, lambda row: "" if row.prediction is None else row.prediction.label),
    "confidence": (Datatype.FP64, lambda row: nan if row.prediction is None else row.prediction.confidence),
    "certain": (Datatype.BOOL, lambda row: row.judgement.risk.certain),
    "rule": (Datatype.BYTES, lambda row: row.judgement.ruling.rule),
    "reasons": (Datatype.BYTES, lambda row: ",".join(row.judgement.ruling.reasons)),
    "decision_id": (Datatype.BYTES, lambda row: row.id),
}
"""Output -> its datatype and how to read it. Where no model predicted, numbers are NaN and the label is empty."""

OUTPUTS = [TensorMetadata(name, datatype, (-1,)) for name, (datatype, _) in _READ.items()]
"""The output tensors of every automation."""


def require_known(wanted: Sequence[str]) -> None:
    """Require known outputs. Raises InferenceInvalid."""
    for name in wanted:
        if name not in _READ:
            raise InferenceInvalid(f"No output {shown(name)}; available outputs: {', '.join(_READ)}")


def response_of(decisions: Sequence[Inferred], *, wanted: Sequence[str], model: str, id: str) -> InferResponse:  # noqa: A002 - the protocol's word
    """Return the response: the wanted outputs (all if none is named), and the versions that decided."""
    lines = {(decision.line.model.version, decision.line.policy_version) for decision in decisions}
    parameters: dict[str, Parameter] = {}
    version = ""
    if len(lines) == 1:
        ((number, policy),) = lines
        version = str(number)
        parameters = {"model": decisions[0].line.model.name, "model_version": number, "policy_version": policy}
    if len(decisions) == 1:
        parameters["decision_id"] = decisions[0].id
        if decisions[0].prediction is not None:
            parameters["confidence"] = decisions[0].prediction.confidence
    return InferResponse(
        model=model,
        version=version,
        id=id,
        parameters=parameters,
        outputs=[_output(name, decisions) for name in wanted or _READ],
    )


def _output(name: str, decisions: Sequence[Inferred]) -> Tensor:
    datatype, read = _READ[name]
    values = [read(decision) for decision in decisions]
    shape = (len(values),)
    if datatype is Datatype.BYTES:
        return Tensor(name, datatype, shape, [value.encode() for value in values])
    return Tensor(name, datatype, shape, np.array(values, DTYPES[datatype]))
