"""The configuration as YAML files describe it, read strictly by `reading.py`.

Only named settings are managed. An omitted key (None here) stays as people set it.
"""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from andon.authoring import AlertLevelName, HeldStateName

VersionNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]

RoleName: TypeAlias = Literal["caller", "agent", "viewer", "reviewer", "operator", "owner", "auditor", "admin"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ManagedCandidate(_Strict):
    """A model version with the policy in force or one from a file; `gate` is its own threshold."""

    version: VersionNumber
    policy: Annotated[str, Field(min_length=1)] | None = None
    gate: Annotated[float, Field(ge=0, le=2)] | None = None


class ManagedShare(ManagedCandidate):
    """A candidate and its percent of the traffic."""

    percent: Annotated[float, Field(gt=0, le=100)]


class ManagedTraffic(_Strict):
    """The whole split of an automation: shares, the rest to the champion, and shadows."""

    shares: list[ManagedShare] = []
    shadows: list[ManagedCandidate] = []


class ManagedGate(_Strict):
    """The least confidence that an arm needs. Without a version, the arm is the champion's with the policy in force."""

    at_least: Annotated[float, Field(ge=0, le=2)]
    version: VersionNumber | None = None
    policy: Annotated[str, Field(min_length=1)] | None = None
    value: str | bool | int | float | None = None
    predicted: str = ""


class ManagedRule(_Strict):
    """A rule that pulls the cord, in addition to those in the code."""

    monitor: str
    level: AlertLevelName = "critical"
    state: HeldStateName = "supervised"
    holds: Annotated[str, Field(pattern="^(segment|line)$")] = "segment"


class ManagedBudget(_Strict):
    """The cost of predictions in a period, in the currency of `[cost]`."""

    amount: Annotated[float, Field(ge=1e-9, le=9e9)]
    per: Literal["day", "month"] = "day"


class ManagedGrant(_Strict):
    """A role within one automation, or everywhere."""

    role: RoleName
    automation: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class ManagedKey(_Strict):
    """All grants of an existing key, or its revocation. There are no fields for secrets: a plan makes no keys."""

    grants: Annotated[list[ManagedGrant], Field(min_length=1, max_length=100)] | None = None
    revoked: Literal[True] | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.grants is None) == (self.revoked is None):
            raise ValueError("expected either `grants` or `revoked: true`")
        return self


class ManagedAutomation(_Strict):
    """The settings to put in force for one automation."""

    release: Literal[True] | None = None
    policy: Annotated[str, Field(min_length=1)] | None = None
    traffic: ManagedTraffic | None = None
    gates: list[ManagedGate] | None = None
    cord_rules: list[ManagedRule] | None = None
    audit_share: Annotated[float, Field(gt=0, le=1)] | None = None
    budget: ManagedBudget | None = None


class ManagedConfiguration(_Strict):
    """All managed settings: the champions of endpoints, those of automations, and the grants of keys."""

    champions: dict[str, VersionNumber] = {}
    automations: dict[str, ManagedAutomation] = {}
    keys: dict[str, ManagedKey] = {}


class SourcedConfiguration(ManagedConfiguration):
    """A configuration as read. `files` has the file of each `champions.NAME`, `automations.NAME`, `keys.NAME`."""

    files: dict[str, str] = {}
