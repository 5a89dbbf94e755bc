"""The share of blind audits: enough for the next proof, and larger while an error is suspected.

Within declared bounds.
"""

from datetime import datetime, timedelta

from andon import decisions, evidence, gates
from andon.authoring import BlindAudit
from andon.decisions import AuditsNotDeclared
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from andon.proofs.reading import LATELY, curve, suspicion_of

HORIZON = timedelta(days=7)
"""The time in which audits should bring the labels for the next wider region."""

QUIET = 0.5
"""The suspicion up to which all is normal: it comes and goes on a line whose error is below its target."""

WORTH_CHANGING = 0.2
"""The relative difference from which a share is changed."""

LEFT_ALONE = timedelta(days=7)
"""The time for which a share set by a person is left alone."""

AT_MOST_EVERY = timedelta(minutes=10)
"""The least time between two changes, except for a rise because of a suspicion."""

RAISED_EVERY = timedelta(minutes=1)


def wanted_share(declared: BlindAudit, *, suspicion: float, labels_needed: int | None, automatic_a_day: float) -> float:
    """Return the share that brings the needed labels within the horizon; higher while an error is suspected.

    Where nothing more can be proven, the lower bound is enough.
    """
    reachable = HORIZON.days * automatic_a_day
    for_proof = 0.0 if not labels_needed or not reachable else labels_needed / reachable
    for_alarm = declared.lowest + max(0.0, suspicion - QUIET) / (1 - QUIET) * (declared.highest - declared.lowest)
    return float(f"{min(max(for_proof, for_alarm, declared.lowest), declared.highest):.2g}")


def adapt_share(tx: Tx, automation: str, *, events: Events, now: datetime) -> None:
    """Change the share of an automation's blind audits, if another one is worth it.

    A share that a person has set lately stays, except that a suspicion may raise it until it is over.
    """
    try:
        audits = decisions.audits_of(tx, automation)
    except AuditsNotDeclared:
        return
    declared, changed = audits.declared, audits.changed
    if declared.lowest == declared.highest:
        return
    found = curve(tx, automation, now=now)
    suspicion = suspicion_of(tx, found.key)
    by_person = _by_person(tx, automation, now)
    if by_person is None:
        days, _, automatic = evidence.daily(tx, automation, found.key.arm, (now - LATELY).date())
        needed = next((one.labels_needed for one in found.points if not one.proven and one.labels_needed), None)
        a_day = automatic / max(1, days)
        share = wanted_share(declared, suspicion=suspicion, labels_needed=needed, automatic_a_day=a_day)
        why = f"{needed:,} labels are needed for the next proof" if needed else "no further labels are needed"
    else:
        share = wanted_share(declared, suspicion=suspicion, labels_needed=None, automatic_a_day=0.0)
        share, why = max(share, by_person), f"a person set {by_person:.3g}"
    raised = suspicion > QUIET and share > audits.share
    if changed is not None and now - changed.at < (RAISED_EVERY if raised else AT_MOST_EVERY):
        return
    share = min(max(share, declared.lowest), declared.highest)
    if abs(share - audits.share) < WORTH_CHANGING * audits.share:
        return
    gates.set_audit_share(
        tx,
        automation,
        share,
        actor=PLATFORM,
        reason=f"{why}; suspicion of an error {suspicion:.0%}",
        events=events,
        now=now,
        least=declared.lowest,
        most=declared.highest,
    )


def _by_person(tx: Tx, automation: str, now: datetime) -> float | None:
    """Return the share that a person set last, if that is to be left alone."""
    history = gates.audit_share_history(tx, automation, limit=None)
    last = next((one for one in history if one.by != PLATFORM.name), None)
    return None if last is None or now - last.at >= LEFT_ALONE else last.share
