"""An automation whose automatic decisions are all drawn for blind audits, and its reviews."""

from uuid import UUID

from andon import Automation, BlindAudit, MaxError, Truth, reviews
from andon.kernel.db import Database
from andon.reviews import ReviewTask
from automations import an_automation
from lines import Installation

EVERY = BlindAudit(1.0, least=0.001, most=1.0, queue="audits")


def audited(audit: BlindAudit | None = EVERY, name: str = "payments") -> Automation:
    """Return the standing automation, audited."""
    automation = an_automation(name)
    automation.audit, automation.risk = audit, MaxError(0.2)
    automation.truth = Truth({"pause": "fraud", "release": "ok"})
    return automation


def opened(installation: Installation) -> int:
    """Open the reviews that are asked for."""
    with installation.database.begin() as tx:
        return reviews.open_due(tx, now=installation.clock.now())


def review_of(database: Database, decision_id: UUID) -> ReviewTask:
    """Return the review of a decision."""
    with database.begin() as tx:
        found = reviews.of_decision(tx, decision_id)
    assert found is not None
    return found
