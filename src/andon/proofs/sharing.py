"""The share of blind audits: enough for the next proof, and larger while an error is suspected.

Within declared bounds.
"""

from datetime import datetime, timedelta

from andon import decisions, gates
from andon.authoring import BlindAudit
from andon.decisions import AuditsNotDeclared
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from andon.proofs.reading import LATELY, curve, suspicion_of
from andon.proofs.store import daily

HORIZON = timedelta(days=7)
"""The time in which audits should bring the labels for the next wider region."""

QUIET = 0.5
"""The suspicion up to which all is normal: it comes and goes on a line whose error is below its target."""

WORTH_CHANGING = 0.2
"""The relative difference from which a share is changed."""

LEFT_ALONE = timedelta(days=7)
"""The time for which a share set by a person is left alone."""

AT_MOST_EVERY = timedelta(minutes=10)


def wanted_share(declared: BlindAudit, *, suspicion: float, labels_needed: int | None, automatic_a_day: float) -> float:
    """Return the share that brings the needed labels within the horizon; higher while an error is suspected.

    Where nothing more can be proven, the lower bound is enough.
    """
    reachable = HORIZON.days * automatic_a_day
    for_proof = 0.0 if not labels_needed or not reachable else labels_needed / reachable
    for_alarm = declared.lowest + max(0.0, suspicion - QUIET) / (1 - QUIET) * (declared.highest - declared.lowest)
    return float(f"{min(max(for_proof, for_alarm, declared.lowest), declared.highest):.2g}")


def adapt_share(tx: Tx, automation: str, *, events: Events, now: datetime) -> None:
    """Change the share of an automation's blind audits, if another one is worth it."""
    try:
        audits = decisions.audits_of(tx, automation)
    except AuditsNotDeclared:
        return
    declared, changed = audits.declared, audits.changed
    if declared.lowest == declared.highest:
        return
    if changed is not None and now - changed.at < (AT_MOST_EVERY if changed.by == PLATFORM.name else LEFT_ALONE):
        return
    found = curve(tx, automation, now=now)
    days, _, automatic = daily(tx, automation, found.key.arm, (now - LATELY).date())
    needed = next((one.labels_needed for one in found.points if not one.proven and one.labels_needed), None)
    suspicion = suspicion_of(tx, found.key)
    share = wanted_share(declared, suspicion=suspicion, labels_needed=needed, automatic_a_day=automatic / max(1, days))
    share = min(max(share, declared.lowest), declared.highest)
    if abs(share - audits.share) < WORTH_CHANGING * audits.share:
        return
    why = f"{needed:,} labels are needed for the next proof" if needed else "no further labels are needed"
    reason = f"{why}; suspicion of an error {suspicion:.0%}"
    gates.set_audit_share(
        tx,
        automation,
        share,
        actor=PLATFORM,
        reason=reason,
        events=events,
        now=now,
        least=declared.lowest,
        most=declared.highest,
    )
