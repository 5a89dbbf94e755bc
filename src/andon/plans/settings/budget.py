"""The budget of an automation."""

from datetime import datetime

from andon import spending
from andon.access import Permission
from andon.authoring import Automation, Budget
from andon.kernel.db import Tx
from andon.plans.configuration import ManagedBudget
from andon.plans.domain import Json
from andon.plans.ports import PlannedAct


class BudgetInForce:
    """The cost of predictions in a period, instead of the budget in the code."""

    permissions = (Permission.SET_BUDGET,)

    def __init__(self, automation: Automation, wanted: ManagedBudget) -> None:
        self.place = f"automations.{automation.name}.budget"
        self.automation, self.endpoint = automation.name, automation.model
        self._declared, self._wanted = automation.budget, Budget(wanted.amount, wanted.per)

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the budget that a person set, or else the one in the code; None if there is none."""
        del at
        setting = spending.newest_setting(tx, self.automation)
        in_force = self._declared if setting is None else setting.budget or self._declared
        return None if in_force is None else spending.in_words(in_force)

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Set the budget."""
        if self.now(tx, act.now) != spending.in_words(self._wanted):
            spending.set_budget(tx, self.automation, self._wanted, actor=act.actor, reason=act.reason, now=act.now)
