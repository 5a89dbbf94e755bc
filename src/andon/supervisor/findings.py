"""What a check of `andon doctor` found."""

from dataclasses import dataclass
from enum import StrEnum


class DoctorState(StrEnum):
    """What a check found: fine, worth knowing, or wrong."""

    FINE = "fine"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """What one check found, and, unless it is fine, how to mend it."""

    check: str
    state: DoctorState
    found: str
    mend: str = ""
