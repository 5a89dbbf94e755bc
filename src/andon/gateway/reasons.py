"""The reason that whoever steps in has to give."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from andon.kernel.reasons import LONGEST

Reason = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class Why(BaseModel):
    """The reason; it stands in the audit log."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
