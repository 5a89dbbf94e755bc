"""The finding of a check of `andon doctor`."""

from dataclasses import dataclass
from enum import StrEnum


class DoctorState(StrEnum):
    """The result of a check: fine, worth knowing, or wrong."""

    FINE = "fine"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """The finding of one check, and, unless it is fine, its remedy."""

    check: str
    state: DoctorState
    found: str
    mend: str = ""
