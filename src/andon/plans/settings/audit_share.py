"""The share of blind audits."""

from datetime import datetime

from andon import decisions, gates
from andon.access import Permission
from andon.authoring import Automation
from andon.kernel.db import Tx
from andon.plans.domain import Json
from andon.plans.ports import PlannedAct


class AuditShareInForce:
    """The share of the automatic decisions that is drawn for blind audits, within the declared bounds."""

    permissions = (Permission.SET_AUDIT_SHARE,)

    def __init__(self, automation: Automation, share: float) -> None:
        self.place = f"automations.{automation.name}.audit_share"
        self.automation, self.endpoint = automation.name, automation.model
        self._share = share

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the share that is drawn."""
        del at
        return decisions.audits_of(tx, self.automation).share

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Set the share."""
        audits = decisions.audits_of(tx, self.automation)
        if audits.share == self._share:
            return
        gates.set_audit_share(
            tx,
            self.automation,
            self._share,
            actor=act.actor,
            reason=act.reason,
            events=act.events,
            now=act.now,
            least=audits.declared.lowest,
            most=audits.declared.highest,
        )
