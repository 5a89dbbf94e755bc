"""Input tensors as requests: one tensor for each field of the contract, one row for each decision. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from andon.decisions import Contract, InputInvalid, InputMalformed
from andon.serving.inference import Datatype, InferenceInvalid, Tensor, TensorMetadata, require_rows, shown

_DATATYPES = {"boolean": Datatype.BOOL, "integer": Datatype.INT64, "number": Datatype.FP64, "string": Datatype.BYTES}
"""JSON Schema type -> the datatype that the metadata names for a field. Others that fit its values may be sent."""


@dataclass(frozen=True, slots=True)
class FieldOf:
    """A field of a contract as a tensor. A `nested` field (a list, an object) is JSON text in each row."""

    name: str
    datatype: Datatype
    nested: bool


@lru_cache(maxsize=256)
def fields_of(contract: Contract) -> Mapping[str, FieldOf]:
    """Return the fields of a contract, in its order."""
    schema = contract.schema()
    return {name: _field(name, given, schema.get("$defs", {})) for name, given in schema.get("properties", {}).items()}


def inputs_of(contract: Contract) -> list[TensorMetadata]:
    """Return the tensors that an automation takes."""
    return [TensorMetadata(field.name, field.datatype, (-1,)) for field in fields_of(contract).values()]


def read_rows(contract: Contract, inputs: Sequence[Tensor], most: int) -> list[tuple[bytes, Mapping[str, Any]]]:
    """Return each row as JSON text and as the input that the contract read from it.

    Raises InferenceInvalid for tensors that do not fit the contract. Raises InputInvalid and InputMalformed, which
    name the row.
    """
    count = require_rows(inputs, most)
    known = fields_of(contract)
    for tensor in inputs:
        if tensor.name not in known:
            raise InferenceInvalid(f"No input {shown(tensor.name)}; available inputs: {', '.join(known)}")
        if tensor.shape not in ((count,), (count, 1)):
            raise InferenceInvalid(
                f"Tensor {shown(tensor.name)}: expected the shape [{count}] or [{count}, 1], got {list(tensor.shape)}"
            )
    names = [tensor.name for tensor in inputs]
    columns = [_column(known[tensor.name], tensor) for tensor in inputs]
    return [
        _row(contract, number, dict(zip(names, row, strict=True)))
        for number, row in enumerate(zip(*columns, strict=True))
    ]


def _row(contract: Contract, number: int, values: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
    raw = to_json(values)
    try:
        return raw, contract.read(raw)
    except (InputInvalid, InputMalformed) as error:
        wrong = "; ".join(f"{fault.where}: {fault.message}" for fault in error.faults) or str(error)
        raise type(error)(f"Row {number}: {wrong}", faults=error.faults) from None


def _column(field: FieldOf, tensor: Tensor) -> list[Any]:
    """Return the values of one field, one for each row; None where a number is NaN."""
    values = tensor.values()
    if not field.nested or tensor.datatype is not Datatype.BYTES:
        return values
    try:
        return [from_json(text, allow_inf_nan=False) for text in values]
    except ValueError as error:
        raise InferenceInvalid(f"Tensor {shown(tensor.name)}: expected JSON in each row: {error}") from None


def _field(name: str, schema: Mapping[str, Any], named: Mapping[str, Any]) -> FieldOf:
    kind = _kind(schema, named)
    return FieldOf(name, _DATATYPES.get(kind, Datatype.BYTES), nested=kind not in _DATATYPES)


def _kind(schema: Mapping[str, Any], named: Mapping[str, Any]) -> str:
    """Return the JSON Schema type of a value that may also be null."""
    if "$ref" in schema:
        return _kind(named[schema["$ref"].rpartition("/")[2]], named)
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return _kind(choice, named)
    return str(schema.get("type", "object"))
