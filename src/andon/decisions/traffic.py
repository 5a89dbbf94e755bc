"""The choice of the arm for a request: the arms of one automation, and how requests are spread over them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from andon.decisions.controls import Gate
from andon.decisions.domain import NO_EVIDENCE, DecisionRequest, HeldOutEvidence, LineRef
from andon.decisions.errors import VersionNotServed
from andon.policies import CompiledPolicy
from andon.serving import Assignment, Candidate, Chosen, Prediction, TrafficSplit, bucket_of


class Predicts(Protocol):
    """The part of a loaded version that an arm needs."""

    @property
    def inline(self) -> bool:
        """Whether `predict` is a matter of microseconds, done on the event loop."""
        ...

    @property
    def capacity(self) -> int:
        """How many concurrent batches are useful now."""
        ...

    @property
    def max_batch(self) -> int:
        """The most rows that are passed to the model together."""
        ...

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
        """Return one prediction per row, in order; blocks. Raises ValueUnusable, PredictionFailed."""
        ...

    async def predict_soon(self, rows: Sequence[Mapping[str, Any]], *, within: float) -> list[Prediction]:
        """Return the predictions as `predict` does, awaited. Raises PredictionTimedOut, EndpointBusy, too."""
        ...

    def take_cpu_us(self) -> int:
        """Return the CPU time of predictions elsewhere since the last call, in microseconds."""
        ...


@dataclass(frozen=True, slots=True)
class Arm:
    """A model version that answers for one automation. `policy` is None if the policy in force decides.

    `gate` is what its held-out `evidence` allows; a later revision replaces it. `own` is the candidate's own threshold,
    if it has one.
    """

    ref: LineRef
    loaded: Predicts
    gate: Gate
    policy: CompiledPolicy | None = None
    own: float | None = None
    evidence: HeldOutEvidence = field(default=NO_EVIDENCE, compare=False, repr=False)
    name: str = field(init=False)
    """`fraud-risk@8+3f2a9c01d2e4`, as `LineRef.arm`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.ref.arm)

    @property
    def version(self) -> int:
        """The number of its model version."""
        return self.ref.model.version

    @property
    def is_apart(self) -> bool:
        """Whether it decides by a policy or a gate of its own."""
        return self.policy is not None or self.own is not None


Fallbacks: TypeAlias = Sequence[tuple[str, Arm | None]]
"""The fallbacks of an arm, in order: an alias with its arm, `rules` or `review`."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The arms by candidate, and how requests are assigned. `fallbacks` answer when an arm cannot, in order."""

    champion: Arm
    split: TrafficSplit
    arms: Mapping[Candidate, Arm]
    shadows: tuple[Arm, ...] = ()
    fallbacks: Fallbacks = ()
    elsewhere: Mapping[Candidate, Predicts | None] = field(init=False)
    """By candidate, the first of its arm and the fallbacks that runs elsewhere.

    It is None if all are inline; then nothing is awaited.
    """
    pins: Mapping[int, Candidate] = field(init=False)
    """The candidate that answers for a pinned version: the one with the policy in force, if there is one."""
    _usual: tuple[Assignment, Arm, Predicts | None] = field(init=False)
    """The place of a request that is not pinned, while there is no split."""

    def __post_init__(self) -> None:
        fallbacks = (arm.loaded for _, arm in self.fallbacks if arm is not None and not arm.loaded.inline)
        fallback = next(fallbacks, None)
        elsewhere = {one: fallback if arm.loaded.inline else arm.loaded for one, arm in self.arms.items()}
        object.__setattr__(self, "elsewhere", elsewhere)
        object.__setattr__(self, "pins", {one.version: one for one in sorted(self.arms, reverse=True)})
        own = Candidate(self.champion.version)
        usual = Assignment(own.version, Chosen.SPLIT, self.split.number)
        object.__setattr__(self, "_usual", (usual, self.arms[own], elsewhere[own]))

    @classmethod
    def of_one(cls, arm: Arm) -> "Traffic":
        """Return traffic that goes to one arm only."""
        return cls(arm, TrafficSplit(arm.ref.automation, arm.ref.model.name), {Candidate(arm.version): arm})

    @property
    def without_candidates(self) -> tuple[Assignment, Arm, Predicts | None]:
        """The place of a request without a draw: the champion."""
        return self._usual

    @property
    def versions(self) -> list[int]:
        """The model versions that may be pinned."""
        return sorted(self.pins)

    def require(self, version: int) -> Candidate:
        """Return the candidate that answers for a version. Raises VersionNotServed."""
        candidate = self.pins.get(version)
        if candidate is None:
            raise VersionNotServed(
                f"Version {version} of {self.split.model} does not answer here; "
                f"these do: {', '.join(map(str, self.versions))}"
            )
        return candidate

    def place(self, request: DecisionRequest, subject: str | None) -> tuple[Assignment, Arm, Predicts | None]:
        """Return the candidate that answers, its arm, and its part that runs elsewhere. Raises VersionNotServed."""
        if request.pinned is None and not self.split.shares:
            return self._usual
        assignment = self.assign(request, subject)
        candidate = assignment.candidate
        return assignment, self.arms[candidate], self.elsewhere[candidate]

    def assign(self, request: DecisionRequest, subject: str | None) -> Assignment:
        """Return the candidate that answers: the pinned version's, or the one whose share holds the request's subject.

        Raises VersionNotServed for a pinned version without an arm here.
        """
        if request.pinned is not None:
            pinned = self.require(request.pinned)
            return Assignment.to(pinned, Chosen.PINNED, self.split.number)
        if not self.split.shares:
            return self._usual[0]
        unit = None if subject is None or self.split.unit == "decision" else request.input.get(subject)
        bucket = bucket_of(self.split.salt, request.id.bytes if unit is None else str(unit).encode())
        chosen = self.split.candidate_for(bucket, Candidate(self.champion.version))
        return Assignment.to(chosen, Chosen.SPLIT, self.split.number, bucket)
