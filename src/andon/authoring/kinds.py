"""Type checks of a declaration: a value of the wrong kind is reported here, before it breaks elsewhere."""

from collections.abc import Mapping
from datetime import timedelta
from types import UnionType

from pydantic import BaseModel

from andon.authoring.actions import ActionSpec
from andon.authoring.alerts import CordDrill, CordRule
from andon.authoring.audit import BlindAudit
from andon.authoring.errors import DeclarationInvalid
from andon.authoring.expect import Expect
from andon.authoring.fallback import Budget
from andon.authoring.features import Feature
from andon.authoring.measures import Measure
from andon.authoring.policy import Policy
from andon.authoring.procedures import ProcedureSpec
from andon.authoring.review import Review
from andon.authoring.risk import RiskBound
from andon.authoring.rollouts import RolloutPlan
from andon.authoring.triggers import Trigger
from andon.authoring.truth import Truth

_ONE: Mapping[str, type | UnionType] = {
    "model": str,
    "policy": Policy,
    "subject": str | None,
    "lateness": timedelta,
    "review": Review | None,
    "risk": RiskBound | None,
    "truth": Truth | None,
    "audit": BlindAudit | None,
    "budget": Budget | None,
    "results": ActionSpec | None,
    "when_stopped": str,
    "drill": CordDrill | None,
    "rollout": RolloutPlan | None,
}
_MANY: Mapping[str, type | UnionType] = {
    "features": Feature,
    "expect": Expect,
    "trigger": Trigger,
    "procedures": ProcedureSpec,
    "measures": Measure,
    "cord": CordRule,
    "checklist": str,
}


def check_kinds(automation: str, contract: object, actions: object, given: Mapping[str, object]) -> None:
    """Check all types; `given` are the other arguments by parameter name. Raises DeclarationInvalid."""
    if not (isinstance(contract, type) and issubclass(contract, BaseModel)):
        raise _wrong(automation, "contract must be a subclass of pydantic.BaseModel", contract)
    if actions is not None and not isinstance(actions, Mapping):
        raise _wrong(automation, "actions must be a dict from outcomes to actions", actions)
    for outcome, action in (actions or {}).items():
        if not isinstance(outcome, str) or not isinstance(action, ActionSpec):
            raise _wrong(
                automation, f"action {outcome!r} must be built by a connector, such as webhook('bank')", action
            )
    for name, kind in _ONE.items():
        if not isinstance(given[name], kind):
            raise _wrong(automation, f"{name} must be {_shown(kind)}", given[name])
    for name, kind in _MANY.items():
        _check_each(automation, name, kind, given[name])


def _check_each(automation: str, name: str, kind: type | UnionType, many: object) -> None:
    if name == "trigger" and isinstance(many, Trigger):
        return
    if not isinstance(many, list | tuple):
        raise _wrong(automation, f"{name} must be a list or tuple, each item {_shown(kind)}", many)
    for one in many:
        if not isinstance(one, kind):
            raise _wrong(automation, f"each of {name} must be {_shown(kind)}", one)


def _shown(kind: type | UnionType) -> str:
    kinds = kind.__args__ if isinstance(kind, UnionType) else (kind,)
    names = [one.__name__ for one in kinds if one is not type(None)]
    return " or ".join(f"an {name}" if name[0] in "AEIOU" else f"a {name}" for name in names)


def _wrong(automation: str, expected: str, value: object) -> DeclarationInvalid:
    return DeclarationInvalid(f"Automation {automation!r}: {expected}, got {value!r}")
