"""Automation: the whole declaration of one line."""

import re
import sys
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from andon.authoring.actions import ActionSpec
from andon.authoring.errors import DeclarationInvalid
from andon.authoring.fallback import Budget, Fallbacks, checked
from andon.authoring.features import Feature, Window
from andon.authoring.policy import Policy
from andon.authoring.review import Review
from andon.authoring.risk import MaxError
from andon.authoring.triggers import Trigger

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


class Automation:
    """One line: what comes in (contract), what is seen (features, model), what is chosen (policy), what follows (actions, review).

    Declaring one does nothing but check that it is consistent by itself; raises DeclarationInvalid.
    """

    def __init__(
        self,
        name: str,
        *,
        contract: type[BaseModel],
        model: str,
        policy: Policy,
        subject: str | None = None,
        features: Sequence[Feature] = (),
        actions: Mapping[str, ActionSpec] | None = None,
        review: Review | None = None,
        risk: MaxError | None = None,
        fallback: Fallbacks = (),
        budget: Budget | None = None,
        trigger: Trigger | Sequence[Trigger] = (),
        results: ActionSpec | None = None,
    ) -> None:
        self.name = name
        self.contract = contract
        self.model = model
        self.policy = policy
        self.subject = subject
        self.features = tuple(features)
        self.actions = dict(actions or {})
        self.review = review or Review(queue=name)
        self.risk = risk
        self.fallback = checked(name, fallback)
        self.budget = budget
        self.triggers = (trigger,) if isinstance(trigger, Trigger) else tuple(trigger)
        self.results = results
        caller = sys._getframe(1)
        self.declared_at = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        self._check()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of all features beyond the contract's own fields, in order."""
        return tuple(name for feature in self.features for name in feature.names)

    def __repr__(self) -> str:
        return f"Automation({self.name!r}, declared at {self.declared_at})"

    def _check(self) -> None:
        if not _NAME.match(self.name):
            raise DeclarationInvalid(
                f"Automation {self.name!r}: a name is lower-case letters, digits and '-', at most 63, a letter first"
            )
        fields = self.contract.model_fields
        if self.subject is not None and self.subject not in fields:
            raise DeclarationInvalid(
                f"Automation {self.name!r}: subject {self.subject!r} is not a field of {self.contract.__name__}"
            )
        for feature in self.features:
            if isinstance(feature, Window):
                for field in (feature.field, feature.by):
                    if field not in fields:
                        raise DeclarationInvalid(
                            f"Automation {self.name!r}: Window needs {field!r}, which {self.contract.__name__} lacks"
                        )
        streams = [trigger.name for trigger in self.triggers]
        if len(set(streams)) != len(streams):
            raise DeclarationInvalid(f"Automation {self.name!r}: one of {', '.join(streams)} is there twice")
        names = [*fields, *self.feature_names]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DeclarationInvalid(f"Automation {self.name!r}: {', '.join(twice)} stands for two values; rename one")
