"""Reports: the statement of one row of a bulk about a decision, the same at every entry point."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from andon.kernel.errors import Fault
from andon.kernel.moments import in_utc
from andon.labels.domain import LabelSource
from andon.labels.errors import LabelInvalid

REPORTED = (LabelSource.EVENT, LabelSource.BLIND_AUDIT, LabelSource.IMPORT)
"""The sources that a report may name; a review's label comes with its verdict."""


def _class(given: object) -> object:
    if isinstance(given, str | bool | int | float):
        return given
    raise PydanticCustomError("class_type", "Expected a class as text, a number, true or false")


def _moment(given: object) -> object:
    try:
        if given is None:
            return None
        return in_utc(given if isinstance(given, datetime) else datetime.fromisoformat(str(given)))
    except ValueError:
        raise PydanticCustomError(
            "moment", "Expected a time such as 2026-11-24T12:00:00Z, or a day; without a zone it is in UTC"
        ) from None


_CLASS = {"anyOf": [{"type": "string"}, {"type": "boolean"}, {"type": "number"}]}


class TruthReport(BaseModel):
    """One statement about the class of a decision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision_id: UUID = Field(description="The decision.")
    value: Annotated[Any, BeforeValidator(_class), WithJsonSchema(_CLASS)] = Field(
        description='A class of the model, such as "fraud", true or 1.'
    )
    source: Literal[LabelSource.EVENT, LabelSource.BLIND_AUDIT, LabelSource.IMPORT] = Field(
        LabelSource.EVENT, description="The source of the label."
    )
    probability: float = Field(1.0, description="The probability that somebody checked the decision at all.")
    known_at: Annotated[datetime | None, BeforeValidator(_moment)] = Field(
        None, description="When it became known, in ISO 8601; UTC if it has no zone. Default: now."
    )


FIELDS = tuple(TruthReport.model_fields)
"""The columns of a file of reports."""


def report_of(given: bytes | Mapping[str, Any]) -> TruthReport:
    """Read one row: JSON text, or values by name. Raises LabelInvalid, which names each field and what was expected."""
    try:
        if isinstance(given, bytes):
            return TruthReport.model_validate_json(given)
        return TruthReport.model_validate(given)
    except ValidationError as error:
        faults = [Fault(".".join(map(str, one["loc"])) or "row", one["msg"]) for one in error.errors()]
        raise LabelInvalid("; ".join(f"{fault.where}: {fault.message}" for fault in faults), faults=faults) from None
