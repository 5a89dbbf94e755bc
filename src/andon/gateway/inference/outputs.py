"""Decisions as the tensors that an automation gives, one row a decision. Pure."""

from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any

import numpy as np

from andon.decisions import Decision
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

_READ: Mapping[str, tuple[Datatype, Callable[[Decision], Any]]] = {
    "outcome": (Datatype.BYTES, lambda decision: decision.outcome),
    "score": (Datatype.FP64, lambda decision: nan if decision.prediction is None else decision.prediction.score),
    "label": (Datatype.BYTES, lambda decision: "" if decision.prediction is None else decision.prediction.label),
    "confidence": (
        Datatype.FP64,
        lambda decision: nan if decision.prediction is None else decision.prediction.confidence,
    ),
    "certain": (Datatype.BOOL, lambda decision: decision.judgement.risk.certain),
    "rule": (Datatype.BYTES, lambda decision: decision.rule),
    "reasons": (Datatype.BYTES, lambda decision: ",".join(decision.reasons)),
    "decision_id": (Datatype.BYTES, lambda decision: str(decision.request.id)),
}
"""Output -> its datatype and where it stands. Where no model predicted, numbers are NaN and the label is empty."""

OUTPUTS = [TensorMetadata(name, datatype, (-1,)) for name, (datatype, _) in _READ.items()]
"""The tensors that every automation gives."""


def require_known(wanted: Sequence[str]) -> None:
    """Raises InferenceInvalid for an output that there is not."""
    for name in wanted:
        if name not in _READ:
            raise InferenceInvalid(f"There is no output {shown(name)}; there are: {', '.join(_READ)}")


def response_of(decisions: Sequence[Decision], *, wanted: Sequence[str], model: str, id: str) -> InferResponse:  # noqa: A002 - the protocol's word
    """The answer: the outputs that are wanted (none named: all), and which versions decided."""
    lines = {(decision.line.model.version, decision.line.policy_version) for decision in decisions}
    parameters: dict[str, Parameter] = {}
    version = ""
    if len(lines) == 1:
        ((number, policy),) = lines
        version = str(number)
        parameters = {"model": decisions[0].line.model.name, "model_version": number, "policy_version": policy}
    if len(decisions) == 1:
        parameters["decision_id"] = str(decisions[0].request.id)
        if decisions[0].prediction is not None:
            parameters["confidence"] = decisions[0].prediction.confidence
    return InferResponse(
        model=model,
        version=version,
        id=id,
        parameters=parameters,
        outputs=[_output(name, decisions) for name in wanted or _READ],
    )


def _output(name: str, decisions: Sequence[Decision]) -> Tensor:
    datatype, read = _READ[name]
    values = [read(decision) for decision in decisions]
    shape = (len(values),)
    if datatype is Datatype.BYTES:
        return Tensor(name, datatype, shape, [value.encode() for value in values])
    return Tensor(name, datatype, shape, np.array(values, DTYPES[datatype]))
