"""The gate that an arm starts with: what the held-out evidence of its model proves, kept as a revision."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from andon import gates
from andon.authoring import MaxError
from andon.decisions.controls import Gate
from andon.decisions.traffic import Arm
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.models import ModelVersion


def with_revision(
    tx: Tx, arm: Arm, version: ModelVersion, risk: MaxError | None, *, events: Events, now: datetime
) -> Arm:
    """The arm with its gate as a revision: the one that is there, or a new one, audited and announced."""
    revision = gates.ensure_held_out(
        tx,
        arm.ref.automation,
        arm.name,
        automation_version=arm.ref.automation_version,
        threshold=arm.gate.threshold,
        target=arm.gate.target,
        confidence=None if risk is None else risk.confidence,
        evidence=_evidence(version, arm.gate.threshold),
        events=events,
        now=now,
    )
    same = (revision.threshold, revision.target) == (arm.gate.threshold, arm.gate.target)
    return replace(arm, gate=Gate(arm.gate.threshold, arm.gate.target, revision.revision if same else 0))


def _evidence(version: ModelVersion, threshold: float) -> dict[str, Any]:
    """The held-out rows behind a threshold: how many there are, how many lie above it and how many of those are wrong."""
    table = version.manifest.risk
    found = next((row for row in table.table if row.threshold == threshold), None)
    above = {} if found is None else {"rows_above": found.rows, "errors_above": found.errors}
    return {"model": version.digest, "rows": table.rows, **above}
