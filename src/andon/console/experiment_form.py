"""The form that starts an experiment: what was typed, and which experiment is meant by it."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import zip_longest
from typing import Annotated, Any, Final

from fastapi import Depends, Form

from andon import experiments
from andon.authoring import DeclarationInvalid, span_of
from andon.console.typed import fingerprint_of, typed_number
from andon.experiments import MOST_ARMS, ExperimentInvalid, ExperimentWish
from andon.kernel.errors import Fault
from andon.serving import Candidate

ROWS: Final = MOST_ARMS - 1
"""Arms that can be named in addition to what decides now."""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One row of the form. Without a version it is not an arm; without a policy it follows the one in force."""

    version: str = ""
    policy: str = ""
    share: str = ""

    @property
    def arm(self) -> str:
        """The arm as the command line writes it; empty for none."""
        return f"{self.version}+{self.policy}" if self.version and self.policy else self.version


@dataclass(frozen=True, slots=True)
class ExperimentForm:
    """Typed values of the form. `seen` names the experiment whose forecast was shown."""

    rows: tuple[ArmRow, ...] = (ArmRow(),) * ROWS
    measure: str = ""
    better: str = ""
    allocation: str = "fixed"
    unit: str = ""
    most_decisions: str = ""
    until: str = ""
    reason: str = ""
    seen: str = ""

    @property
    def fingerprint(self) -> str:
        """The name of what is typed, without the reason: what a forecast was made for."""
        return fingerprint_of(asdict(replace(self, reason="", seen="")))

    @property
    def names_policy(self) -> bool:
        """Whether an arm decides by a policy of its own."""
        return any(row.version and row.policy for row in self.rows)

    def wish(self, automation: str, model: str, now: datetime) -> ExperimentWish:
        """Return the experiment that is meant. Raises ExperimentInvalid with every field that is wrong."""
        faults: list[Fault] = []
        arms: dict[Candidate, float | None] = {}
        for place, row in enumerate(self.rows, 1):
            arm = _candidate(row, f"arm.{place}", faults)
            share = typed_number(row.share, f"arm.{place}", "A share is a percentage", faults)
            if arm is None and share is not None:
                faults.append(Fault(f"arm.{place}", "Choose the version that gets this share"))
            if arm is not None and arm in arms:
                faults.append(Fault(f"arm.{place}", "This arm is named twice"))
            if arm is not None:
                arms[arm] = share
        most = typed_number(self.most_decisions, "most_decisions", "A number of decisions", faults)
        if most is not None and (most < 1 or most != int(most)):
            faults.append(Fault("most_decisions", "A whole number of decisions, at least 1"))
        until = None
        if self.until.strip():
            try:
                until = now + span_of(self.until.strip())
            except (DeclarationInvalid, OverflowError):
                faults.append(Fault("until", "A number with s, m, h or d, such as 14d"))
        known: dict[str, Any] = {
            "better": _one_of(self.better or experiments.usual_direction(self.measure), ("lower", "higher")),
            "allocation": _one_of(self.allocation, ("fixed", "thompson")),
        }
        if not self.measure:
            faults.append(Fault("measure", "Choose the measure that compares the arms"))
        elif known["better"] is None:
            faults.append(Fault("better", f"Choose whether lower or higher {self.measure} is better"))
        if known["allocation"] is None:
            faults.append(Fault("allocation", "Choose fixed shares or shares that follow the results"))
        unit: Any = _one_of(self.unit, ("subject", "decision"))
        if faults:
            raise ExperimentInvalid(faults=faults)
        return ExperimentWish(
            automation,
            model,
            list(arms),
            self.measure,
            unit=unit,
            shares={arm: share for arm, share in arms.items() if share is not None},
            most_decisions=None if most is None else int(most),
            until=until,
            **known,
        )


def typed_experiment(
    version: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    policy: Annotated[list[str], Form()] = [],  # noqa: B006
    share: Annotated[list[str], Form()] = [],  # noqa: B006
    measure: Annotated[str, Form()] = "",
    better: Annotated[str, Form()] = "",
    allocation: Annotated[str, Form()] = "",
    unit: Annotated[str, Form()] = "",
    most_decisions: Annotated[str, Form()] = "",
    until: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
) -> ExperimentForm:
    """Return the form as it was sent."""
    rows = [ArmRow(*row) for row in zip_longest(version, policy, share, fillvalue="")][:ROWS]
    return ExperimentForm(
        rows=(*rows, *[ArmRow()] * (ROWS - len(rows))),
        measure=measure,
        better=better,
        allocation=allocation,
        unit=unit,
        most_decisions=most_decisions,
        until=until,
        reason=reason,
        seen=seen,
    )


TypedExperiment = Annotated[ExperimentForm, Depends(typed_experiment)]


def _candidate(row: ArmRow, where: str, faults: list[Fault]) -> Candidate | None:
    if not row.version:
        if row.policy:
            faults.append(Fault(where, "Choose the version that decides by this policy"))
        return None
    try:
        return Candidate.parse(row.arm)
    except ValueError as error:
        faults.append(Fault(where, str(error)))
        return None


def _one_of(text: str | None, known: tuple[str, ...]) -> str | None:
    return text if text in known else None
