"""The reason that whoever steps in has to give."""

from pydantic import BaseModel, ConfigDict, Field


class Why(BaseModel):
    """The reason; it stands in the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)
