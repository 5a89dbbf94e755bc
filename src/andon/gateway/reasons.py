"""The reason that a person must give for a change."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from andon.kernel.reasons import LONGEST

_UNSEEN = (
    r"\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    r"\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
)
READABLE = rf"^[^{_UNSEEN}]*[^{_UNSEEN}\s][^{_UNSEEN}]*$"
"""The check of `kernel.reasons` as a regular expression for OpenAPI, without characters beyond U+FFFF."""

Reason = Annotated[str, Field(min_length=1, max_length=LONGEST, json_schema_extra={"pattern": READABLE})]


class Why(BaseModel):
    """The reason, which the audit log records."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
