"""What the routes of rollouts and experiments share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path

from andon import decisions
from andon.access import Permission
from andon.authoring import Automation
from andon.decisions import answers_by
from andon.gateway.dependencies import Bus, Caller, Db, Gateway, Now
from andon.gateway.endpoints import ready_for
from andon.gateway.reasons import Why
from andon.kernel.db import Tx
from andon.models import CHAMPION

Number = Annotated[int, Path(ge=1, le=1_000_000_000)]


def checks_of(gateway: Gateway, tx: Tx, automation: Automation) -> dict[str, Any]:
    """Return the checks that an arm can answer here: for its automation, and for all that follow the champion."""
    of_model = [line.automation for line in gateway.lines.values() if line.automation.model == automation.model]
    users = [one for one in of_model if one.name == automation.name or answers_by(one, CHAMPION)]
    return {
        "ready": ready_for(users, gateway, tx, automation.model),
        "suits": lambda policy: decisions.check_policy(automation, policy),
    }


@dataclass(frozen=True, slots=True)
class TrialStep:
    """A request that moves one rollout or experiment."""

    name: str
    number: Number
    why: Why
    caller: Caller
    db: Db
    bus: Bus
    now: Now

    def take(
        self,
        permission: Permission,
        change: Callable[..., Any],
        whole: Callable[..., Any],
        checked_by: Gateway | None = None,
    ) -> Any:
        """Move it, if the caller may, and show it; a gateway checks that its arms can answer."""
        self.caller.require(permission, self.name)
        automation = None if checked_by is None else checked_by.line(self.name).automation
        given = {"actor": self.caller.actor, "reason": self.why.reason, "events": self.bus, "now": self.now}
        with self.db.begin() as tx:
            checks = {} if checked_by is None or automation is None else checks_of(checked_by, tx, automation)
            return whole(tx, change(tx, self.name, self.number, **given, **checks), self.now)


Step = Annotated[TrialStep, Depends()]
