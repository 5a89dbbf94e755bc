"""The form that starts a rollout: what was typed, and as which plan it is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Form

from andon import rollouts
from andon.authoring import MOST_LABELS, DeclarationInvalid, Guardrail, RolloutPlan
from andon.console.typed import fingerprint_of, typed_number
from andon.kernel.errors import Fault
from andon.rollouts import RolloutInvalid, WatchedGuardrail

NEW_POLICY = "new"
"""The choice of a policy whose text is in the form."""


@dataclass(frozen=True, slots=True)
class RolloutForm:
    """The typed values.

    Empty fields mean the automation's declaration; `seen` names the plan whose forecast was shown.
    """

    version: str = ""
    policy: str = ""
    text: str = ""
    gate: str = ""
    kind: str = ""
    steps: str = ""
    stage_decisions: str = ""
    stage_minutes: str = ""
    labels: str = ""
    margins: Mapping[str, str] | None = None
    required: tuple[str, ...] | None = None
    off: tuple[str, ...] | None = None
    reason: str = ""
    seen: str = ""

    @property
    def fingerprint(self) -> str:
        """The name of what is typed, without the reason: what a forecast was made for."""
        return fingerprint_of(asdict(replace(self, reason="", seen="")))

    def is_required(self, guardrail: WatchedGuardrail) -> bool:
        """Return whether the promotion is to wait for a guardrail."""
        return guardrail.required if self.required is None else guardrail.name in self.required

    def is_off(self, guardrail: WatchedGuardrail, declared: RolloutPlan) -> bool:
        """Return whether the rollout is to do without a guardrail."""
        return guardrail.name in (declared.off if self.off is None else self.off)

    def model_version(self) -> int | None:
        """Return the chosen version; None for the champion. Raises RolloutInvalid."""
        if not self.version:
            return None
        if not self.version.isdecimal() or len(self.version) > 9:
            raise RolloutInvalid(faults=[Fault("version", "A version is a number")])
        return int(self.version)

    def threshold(self) -> float | None:
        """Return the candidate's own confidence threshold; None to keep the present one. Raises RolloutInvalid."""
        faults: list[Fault] = []
        found = typed_number(self.gate, "gate", "A confidence is a number from 0 to 1, such as 0.93", faults)
        if faults:
            raise RolloutInvalid(faults=faults)
        return found

    def plan(self, declared: RolloutPlan, watched: Sequence[WatchedGuardrail]) -> RolloutPlan:
        """Return the declared plan with the typed changes. Raises RolloutInvalid with every faulty field."""
        faults: list[Fault] = []
        steps = _numbers(self.steps, "steps", "Steps are percentages, such as 5, 25, 50, 100", faults)
        least = typed_number(self.stage_decisions, "stage_decisions", "A number of decisions", faults)
        minutes = typed_number(self.stage_minutes, "stage_minutes", "A number of minutes", faults)
        asked = typed_number(self.labels, "labels", "A number of labels", faults)
        changed = [found for one in watched if (found := self._guardrail(one, faults)) is not None]
        if least is not None and least != int(least):
            faults.append(Fault("stage_decisions", "A whole number of decisions"))
        if asked is not None and (asked != int(asked) or not 0 <= asked <= MOST_LABELS):
            faults.append(Fault("labels", f"A whole number from 0 to {MOST_LABELS:,}"))
        if faults:
            raise RolloutInvalid(faults=faults)
        try:
            return rollouts.adjusted(
                declared,
                kind=self.kind or None,
                steps=steps,
                off=self.off,
                stage_decisions=None if least is None else int(least),
                stage_time=None if minutes is None else timedelta(minutes=minutes),
                labels=None if asked is None else int(asked),
                guardrails=changed,
            )
        except (DeclarationInvalid, OverflowError) as error:
            raise RolloutInvalid(str(error)) from error

    def _guardrail(self, one: WatchedGuardrail, faults: list[Fault]) -> Guardrail | None:
        """Return the changed guardrail; None if it is unchanged or switched off."""
        where = f"margin.{one.name}"
        margin = typed_number((self.margins or {}).get(one.name, ""), where, "A margin is a percentage", faults)
        required = self.is_required(one)
        if one.name in (self.off or ()) or (margin is None and required == one.required):
            return None
        try:
            return Guardrail(one.name, None if margin is None else margin / 100, required, one.better)
        except DeclarationInvalid as error:
            faults.append(Fault(where, str(error)))
            return None


def typed_form(
    version: Annotated[str, Form()] = "",
    policy: Annotated[str, Form()] = "",
    text: Annotated[str, Form()] = "",
    gate: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = "",
    steps: Annotated[str, Form()] = "",
    stage_decisions: Annotated[str, Form()] = "",
    stage_minutes: Annotated[str, Form()] = "",
    labels: Annotated[str, Form()] = "",
    guardrail: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    margin: Annotated[list[str], Form()] = [],  # noqa: B006
    required: Annotated[list[str], Form()] = [],  # noqa: B006
    off: Annotated[list[str], Form()] = [],  # noqa: B006
    reason: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
) -> RolloutForm:
    """Return the form as it was sent."""
    return RolloutForm(
        version=version,
        policy=policy,
        text=text.replace("\r\n", "\n").strip(),  # a browser drops the first line break of a field
        gate=gate,
        kind=kind,
        steps=steps,
        stage_decisions=stage_decisions,
        stage_minutes=stage_minutes,
        labels=labels,
        margins=dict(zip(guardrail, margin, strict=False)),
        required=tuple(required) if guardrail else None,
        off=tuple(off) if guardrail else None,
        reason=reason,
        seen=seen,
    )


Typed = Annotated[RolloutForm, Depends(typed_form)]


def _numbers(text: str, field: str, expected: str, faults: list[Fault]) -> list[float] | None:
    if not text.strip():
        return None
    found = [typed_number(one, field, expected, faults) for one in text.split(",")]
    return [one for one in found if one is not None]
