"""The evidence of risk gates, for `andon doctor`: what could not be counted, what was left open, what repeats."""

from collections.abc import Iterator
from datetime import timedelta

from andon import evidence
from andon.kernel.db import Database
from andon.supervisor.findings import DoctorFinding, DoctorState

_LATELY = timedelta(days=14)

_MUCH = 0.05
"""The share of reviews and audits left open, or of labels that repeat a subject, that is worth a finding."""

_FEW = 20
"""Fewer labels are not worth a finding."""


def examine_evidence(database: Database) -> Iterator[DoctorFinding]:
    """Find what tallies could not count, and arms whose labels come too late or repeat subjects."""
    since = database.now() - _LATELY
    with database.begin() as tx:
        held = evidence.held(tx)
        looks = [(one, evidence.looks_since(tx, one.automation, one.arm, since)) for one in evidence.arms(tx)]
    for tally, decisions in sorted(held.items()):
        found = f"{decisions:,} decisions could not be counted, and are tried again"
        mend = "see the worker's log (evidence.tally_failed, evidence.left_out)"
        yield DoctorFinding(f"evidence for {tally}", DoctorState.WRONG, found, mend)
    for arm, lately in looks:
        check = f"labels of {arm.automation} {arm.arm}"
        if lately.aged >= _FEW and lately.open > _MUCH * lately.aged:
            found = f"{lately.open:,} of {lately.aged:,} reviews and audits were open when due, and count as wrong"
            yield DoctorFinding(check, DoctorState.WARNING, found, "declare due times that people can keep")
        if lately.labels >= _FEW and lately.labels - lately.counted > _MUCH * lately.labels:
            found = (
                f"{lately.labels:,} labels are of {lately.subjects:,} subjects: "
                f"{lately.counted:,} count, one of a subject in each interval"
            )
            yield DoctorFinding(
                check, DoctorState.WARNING, found, "look at more subjects: more labels of one add little"
            )
