"""The automation: the whole declaration of one line."""

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta

from pydantic import BaseModel

from andon.authoring.actions import ActionSpec
from andon.authoring.alerts import CordDrill, CordRule, check_reachable, checked_checklist
from andon.authoring.audit import BlindAudit
from andon.authoring.errors import DeclarationInvalid
from andon.authoring.expect import EXPECTED, Expect
from andon.authoring.fallback import BY_REVIEW, Budget, Fallbacks, checked
from andon.authoring.features import Feature, Lookup, Window
from andon.authoring.kinds import check_kinds
from andon.authoring.measures import Measure
from andon.authoring.monitors import Fairness, Monitors, ServiceLevel, monitors_of
from andon.authoring.policy import Policy
from andon.authoring.procedures import BY_PROCEDURE, ProcedureSpec
from andon.authoring.review import Review
from andon.authoring.risk import RiskBound
from andon.authoring.rollouts import GUARDRAILS, QUANTILE_GUARDRAILS, RolloutPlan
from andon.authoring.triggers import Trigger
from andon.authoring.truth import Truth

RULES_ONLY = "rules-only"
"""The model name of an automation without a model: the rules of its policy decide alone."""

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


class Automation:
    """One line: its input (contract), features and model, policy, and consequences (actions, review).

    Without a model, the rules of the policy decide alone, and may not name `prediction` or `risk`.
    Declaring an automation only checks that it is consistent by itself. Raises DeclarationInvalid.
    """

    def __init__(
        self,
        name: str,
        *,
        contract: type[BaseModel],
        policy: Policy,
        model: str = RULES_ONLY,
        subject: str | None = None,
        features: Sequence[Feature] = (),
        expect: Sequence[Expect] = (),
        lateness: timedelta = timedelta(hours=1),
        actions: Mapping[str, ActionSpec] | None = None,
        review: Review | None = None,
        risk: RiskBound | None = None,
        truth: Truth | None = None,
        measures: Sequence[Measure] = (),
        audit: BlindAudit | None = None,
        fallback: Fallbacks = (),
        budget: Budget | None = None,
        trigger: Trigger | Sequence[Trigger] = (),
        procedures: Sequence[ProcedureSpec] = (),
        results: ActionSpec | None = None,
        when_stopped: str = "review",
        cord: Sequence[CordRule] | None = None,
        checklist: Sequence[str] = (),
        drill: CordDrill | None = None,
        monitors: Monitors | Sequence[ServiceLevel | Fairness] | None = None,
        rollout: RolloutPlan | None = None,
    ) -> None:
        check_kinds(
            name,
            contract,
            actions,
            {
                "model": model,
                "policy": policy,
                "subject": subject,
                "features": features,
                "expect": expect,
                "lateness": lateness,
                "review": review,
                "risk": risk,
                "truth": truth,
                "measures": measures,
                "audit": audit,
                "budget": budget,
                "trigger": trigger,
                "procedures": procedures,
                "results": results,
                "when_stopped": when_stopped,
                "cord": () if cord is None else cord,
                "checklist": checklist,
                "drill": drill,
                "rollout": rollout,
            },
        )
        self.name = name
        self.contract = contract
        self.model = model
        self.policy = policy
        self.subject = subject
        self.features = tuple(features)
        self.expect = tuple(expect)
        self.lateness = lateness
        self.actions = dict(actions or {})
        self.review = review or Review(queue=name)
        self.risk = risk
        self.truth = truth
        self.measures = tuple(measures)
        self.audit = audit
        self.fallback = checked(name, fallback)
        self.budget = budget
        self.triggers = (trigger,) if isinstance(trigger, Trigger) else tuple(trigger)
        self.procedures = tuple(procedures)
        self.results = results
        self.when_stopped = when_stopped
        self.cord = None if cord is None else tuple(cord)
        self.checklist = checked_checklist(name, checklist)
        self.drill = drill
        self.monitors = monitors_of(monitors)
        self.rollout = rollout
        caller = sys._getframe(1)
        self.declared_at = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        self._check()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of all features beyond the contract's own fields, in order."""
        return (*(name for feature in self.features for name in feature.names), *(EXPECTED if self.expect else ()))

    @property
    def predicts(self) -> bool:
        """Whether it has a model."""
        return self.model != RULES_ONLY

    @property
    def reported(self) -> tuple[Trigger, ...]:
        """The streams that report labels."""
        return () if self.truth is None else self.truth.streams

    def __repr__(self) -> str:
        return f"Automation({self.name!r}, declared at {self.declared_at})"

    def _check(self) -> None:
        if not isinstance(self.name, str) or not _NAME.match(self.name):
            raise DeclarationInvalid(
                f"Automation {self.name!r}: a name is lower-case letters, digits and '-', at most 63, a letter first"
            )
        fields = self.contract.model_fields
        if not self.predicts:
            self._check_without_model()
        if self.subject is not None and self.subject not in fields:
            raise DeclarationInvalid(
                f"Automation {self.name!r}: subject {self.subject!r} is not a field of {self.contract.__name__}"
            )
        if self.risk is not None and self.risk.by is not None and self.risk.by not in fields:
            raise DeclarationInvalid(
                f"Automation {self.name!r}: risk has a gate by {self.risk.by!r}, which is not a field of "
                f"{self.contract.__name__}"
            )
        for feature in self.features:
            for field in _fields_of(feature):
                if field not in fields:
                    kind = type(feature).__name__
                    raise DeclarationInvalid(
                        f"Automation {self.name!r}: {kind} needs {field!r}, which {self.contract.__name__} lacks"
                    )
        if self.lateness < timedelta(0):
            raise DeclarationInvalid(f"Automation {self.name!r}: lateness must be a timedelta and not negative")
        streams = [trigger.name for trigger in (*self.triggers, *self.reported)]
        if len(set(streams)) != len(streams):
            raise DeclarationInvalid(f"Automation {self.name!r}: one of {', '.join(streams)} occurs twice")
        measured = [measure.name for measure in self.measures]
        if len(set(measured)) != len(measured):
            raise DeclarationInvalid(f"Automation {self.name!r}: two of its measures have the same name")
        for rule in self.cord or ():
            check_reachable(rule, {} if self.monitors is None else self.monitors.levels)
        self._check_procedures()
        self._check_monitors()
        self._check_rollout()
        names = [*fields, *self.feature_names]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DeclarationInvalid(f"Automation {self.name!r}: {', '.join(twice)} names two values; rename one")
        unknown = [expected.name for expected in self.expect if expected.name not in names]
        if unknown:
            raise DeclarationInvalid(
                f"Automation {self.name!r}: Expect({unknown[0]!r}) names neither a feature nor a field"
            )

    def _check_without_model(self) -> None:
        needing = {
            "risk": self.risk,
            "truth": self.truth,
            "audit": self.audit,
            "rollout": self.rollout,
        }
        wrong = [name for name, given in needing.items() if given is not None]
        if wrong or self.fallback != (BY_REVIEW,):
            raise DeclarationInvalid(
                f"Automation {self.name!r}: without a model there is no {(*wrong, 'fallback')[0]}; name the model"
            )

    def _check_monitors(self) -> None:
        known = {*self.contract.model_fields, *self.feature_names}
        declared = self.monitors or Monitors()
        for name in (*(one.field for one in declared.fairness), *declared.ignore):
            if name not in known:
                raise DeclarationInvalid(
                    f"Automation {self.name!r}: its monitors name {name!r}, which is neither a field nor a feature"
                )

    def _check_rollout(self) -> None:
        known = (*GUARDRAILS, *QUANTILE_GUARDRAILS, *(one.name for one in self.measures))
        for guardrail in () if self.rollout is None else self.rollout.guardrails:
            if guardrail.name not in known:
                raise DeclarationInvalid(
                    f"Automation {self.name!r}: the rollout's guardrail {guardrail.name!r} is neither a guardrail nor "
                    f"a measure; there are {', '.join(known)}"
                )

    def _check_procedures(self) -> None:
        flows = [one.flow for one in self.procedures]
        if len(set(flows)) != len(flows):
            raise DeclarationInvalid(f"Automation {self.name!r}: the same code occurs twice among its procedures")
        present = [one.name for one in self.procedures if not one.retired]
        if len(set(present)) != len(present):
            raise DeclarationInvalid(
                f"Automation {self.name!r}: two of its procedures have the same name; retire all but one of them"
            )
        for outcome, action in self.actions.items():
            if action.connector == BY_PROCEDURE and action.destination not in present:
                known = ", ".join(present) or "none"
                raise DeclarationInvalid(
                    f"Automation {self.name!r}: action {outcome!r} runs {action.destination!r}, "
                    f"which is not among its procedures ({known})"
                )


def _fields_of(feature: Feature) -> tuple[str, ...]:
    """Return the contract's fields that a feature uses, as far as its declaration names them."""
    if isinstance(feature, Window):
        return feature.field, feature.by
    return (feature.by,) if isinstance(feature, Lookup) else ()
