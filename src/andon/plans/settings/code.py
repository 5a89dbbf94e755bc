"""The released version of an automation's code."""

from datetime import datetime

from andon import decisions
from andon.access import Permission
from andon.authoring import Automation
from andon.kernel.db import Tx
from andon.plans.domain import Json
from andon.plans.ports import PlannedAct


class CodeInForce:
    """The code in this folder as the released version."""

    permissions = (Permission.RELEASE,)

    def __init__(self, automation: Automation) -> None:
        self.place = f"automations.{automation.name}.release"
        self.automation, self.endpoint = automation.name, automation.model
        self._declared = automation

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the released version with the first digits of its digest."""
        del at
        holding = decisions.released(tx, self.automation)
        if holding is None:
            return None
        version = decisions.version(tx, self.automation, holding.version)
        return f"version {version.number} ({version.digest[:12]})"

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Deploy this code and release it."""
        decisions.compile_policy(self._declared)
        version = decisions.deploy(tx, self._declared, actor=act.actor, now=act.now)
        decisions.release(
            tx,
            self.automation,
            version.number,
            actor=act.actor,
            reason=act.reason,
            now=act.now,
            events=act.events,
            author_may_approve=act.author_may_approve,
        )
