"""Candidates that a form offers, and the checks that one can answer here before it gets traffic."""

from collections.abc import Sequence
from datetime import datetime

from andon import decisions, models, policies
from andon.access import Permission
from andon.console.automation_view import Force
from andon.console.context import Console, Visitor
from andon.console.endpoint_view import users_of
from andon.console.endpoints import ready_for
from andon.kernel.db import Tx
from andon.models import CHAMPION, ModelVersion, Ready
from andon.policies import PolicyVersion
from andon.serving import Suits

OFFERED = 8
"""Versions in a form: the newest ones."""


def offered_versions(tx: Tx, force: Force) -> Sequence[ModelVersion]:
    """Return the newest versions of the automation's model, and the champion."""
    found = models.list_versions(tx, force.model)
    return [one for place, one in enumerate(found) if place < OFFERED or one.number == force.champion]


def offered_policies(tx: Tx, force: Force, visitor: Visitor) -> Sequence[PolicyVersion] | None:
    """Return the newest published policies that are not in force; None if the visitor may not put one in force."""
    if not visitor.may(Permission.PUBLISH_POLICY, force.name):
        return None
    return [one for one in policies.list_versions(tx, force.name) if one.version != force.policy][:OFFERED]


def ready_of(here: Console, tx: Tx, force: Force, now: datetime) -> Ready:
    """Return the check of a version that may become the champion: every automation that follows that can use it."""
    users = [
        one for one in users_of(tx, force.model, now) if one.name == force.name or decisions.answered_by(one, CHAMPION)
    ]
    return ready_for(users or [force.version], here, tx, force.model)


def suits_of(force: Force) -> Suits:
    """Return the check of a policy: the automation knows every name in it."""
    return lambda one: decisions.require_named(force.version, policies.parse(one.text, source=f"policy {one.version}"))
