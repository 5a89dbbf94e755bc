"""Shares of blind audits: the part of the automatic decisions that is drawn, since when, by whom and why. Pure."""

from dataclasses import dataclass
from datetime import datetime

from andon.gates.errors import AuditShareInvalid
from andon.kernel import reasons
from andon.kernel.errors import Fault


@dataclass(frozen=True, slots=True)
class AuditShare:
    """One immutable row: from `at` on this share of the automatic decisions is drawn."""

    automation: str
    number: int
    share: float
    by: str
    reason: str
    at: datetime


def check_share(share: float, reason: str, least: float, most: float) -> None:
    """Raise AuditShareInvalid unless a share lies between its bounds, and there is a reason for it."""
    faults = reasons.faults_of(reason)
    if not (share > 0 and least <= share <= most):
        bounds = f"from {least:g} to {most:g}" if least else f"above 0 and at most {most:g}"
        faults.append(Fault("share", f"Expected a share {bounds}, got {share:g}"))
    if faults:
        raise AuditShareInvalid(faults=faults)
