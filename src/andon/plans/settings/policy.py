"""The policy in force of an automation."""

from datetime import datetime

from andon import decisions, policies
from andon.access import Permission
from andon.authoring import Automation
from andon.kernel.db import Tx
from andon.plans.domain import Json
from andon.plans.ports import PlannedAct


class PolicyFileInForce:
    """The policy in a file as the one in force."""

    permissions = (Permission.PUBLISH_POLICY,)

    def __init__(self, automation: Automation, source: str, text: str) -> None:
        self.place = f"automations.{automation.name}.policy"
        self.automation, self.endpoint = automation.name, automation.model
        self._declared, self._source, self._text = automation, source, text

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the version in force."""
        del at
        found = policies.in_force(tx, self.automation)
        return None if found is None else found.version

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Publish the file and put it in force, checked against the released code."""
        decisions.require_released_code(tx, self._declared)
        decisions.publish_policy(
            tx,
            self._declared,
            self._text,
            source=self._source,
            actor=act.actor,
            reason=act.reason,
            now=act.now,
            events=act.events,
        )
