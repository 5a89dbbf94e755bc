"""The view of a rollout: its stages as a track, and each guardrail with the figures of both arms and its plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from andon import rollouts
from andon.console.evidence_paths import EvidencePath, path_of
from andon.kernel.db import Tx
from andon.rollouts import (
    ArmTally,
    GuardrailKind,
    GuardrailStanding,
    Rollout,
    RolloutEvent,
    RolloutState,
    WatchedGuardrail,
    newest_quantiles,
)

NEWEST = 4
"""Decisions of each arm shown in a guardrail's card; the others can be unfolded."""


class TrackPlace(StrEnum):
    """Where a stage lies, seen from the rollout: behind it, where it is, where it ended, ahead, or left out by hand."""

    DONE = "done"
    PRESENT = "present"
    ENDED = "ended"
    AHEAD = "ahead"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class TrackStage:
    """One stage of the track; `at` is when it was reached."""

    name: str
    place: TrackPlace
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ArmFigure:
    """Figure of one arm: a rate, a mean or seconds (None for nothing yet), and the count behind it."""

    value: float | None
    events: float
    among: int


@dataclass(frozen=True, slots=True)
class GuardrailView:
    """One guardrail: its standing, the figures of both arms, its drawing, and the decisions behind it, newest first."""

    standing: GuardrailStanding
    candidate: ArmFigure
    control: ArmFigure | None
    path: EvidencePath | None
    decisions: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class RolloutView:
    """One rollout as its page shows it. Since `unwatched_since` no worker watches, so its candidate has no traffic."""

    rollout: Rollout
    events: Sequence[RolloutEvent]
    track: Sequence[TrackStage]
    guardrails: Sequence[GuardrailView]
    unwatched_since: datetime | None

    @property
    def ended_badly(self) -> bool:
        """Whether the candidate was taken back."""
        return self.rollout.state in (RolloutState.ABORTED, RolloutState.ROLLED_BACK)


def view_of(tx: Tx, automation: str, number: int, now: datetime) -> RolloutView:
    """Put together what is shown of one rollout. Raises RolloutNotFound."""
    history = rollouts.show(tx, automation, number)
    rollout, events = history.rollout, history.events
    until = rollout.ended_at or now
    shown = [_guardrail(rollout, one, events, until) for one in rollouts.standings(tx, rollout)]
    shown.sort(key=lambda one: (not one.standing.state.harmed, not one.standing.guardrail.required))
    lease = rollouts.lease_end(tx, rollout)
    unwatched = lease if lease is not None and lease <= now else None
    return RolloutView(rollout, events, track_of(rollout, events), shown, unwatched)


def track_of(rollout: Rollout, events: Sequence[RolloutEvent]) -> list[TrackStage]:
    """Lay out the stages of a rollout, with its approval before them if it needs one."""
    reached = {one.stage_after: one.at for one in events if one.kind in ("begin", "advance")}
    stages = [
        TrackStage("shadow" if not share else f"{share:g} %", _place(rollout, number), reached.get(number))
        for number, share in enumerate(rollout.plan.stages)
    ]
    if rollout.state is RolloutState.PROMOTED:
        stages[-1] = TrackStage(stages[-1].name, TrackPlace.DONE, rollout.ended_at)
    return [_approval(rollout, events), *stages] if rollout.plan.approval else stages


def _place(rollout: Rollout, stage: int) -> TrackPlace:
    if rollout.state in (RolloutState.PROMOTED, RolloutState.COMPLETED):
        return TrackPlace.DONE if stage <= rollout.stage else TrackPlace.SKIPPED
    begun = rollout.is_watched or (rollout.is_over and rollout.approved_by is not None)
    if not begun and rollout.plan.approval:
        return TrackPlace.AHEAD
    if stage != rollout.stage:
        return TrackPlace.DONE if stage < rollout.stage else TrackPlace.AHEAD
    return TrackPlace.ENDED if rollout.is_over else TrackPlace.PRESENT


def _approval(rollout: Rollout, events: Sequence[RolloutEvent]) -> TrackStage:
    given = next((one.at for one in events if one.kind == "approve"), None)
    if given is not None:
        return TrackStage("approval", TrackPlace.DONE, given)
    return TrackStage("approval", TrackPlace.ENDED if rollout.is_over else TrackPlace.PRESENT, None)


def _guardrail(
    rollout: Rollout, standing: GuardrailStanding, events: Sequence[RolloutEvent], until: datetime
) -> GuardrailView:
    state, kind = standing.state, standing.guardrail.kind
    quantiles = newest_quantiles(standing.guardrail, state.stages) if kind is GuardrailKind.QUANTILE else None
    evidence = [(side, state.evidence.get(side, [])[::-1]) for side in ("candidate", "control")]
    return GuardrailView(
        standing=standing,
        candidate=_figure(state.candidate, standing.guardrail, None if quantiles is None else quantiles[0]),
        control=None
        if kind is GuardrailKind.LIMIT
        else _figure(state.control, standing.guardrail, None if quantiles is None else quantiles[1]),
        path=path_of(standing, events, rollout.plan.stages, until),
        decisions=[(side, ids) for side, ids in evidence if ids],
    )


def _figure(tally: ArmTally, guardrail: WatchedGuardrail, quantile: float | None) -> ArmFigure:
    """Return a figure by kind: a share of decisions with an event or a difference, a mean of values, or a quantile."""
    if guardrail.kind is GuardrailKind.QUANTILE:
        return ArmFigure(quantile, tally.total, tally.units)
    is_rate = guardrail.kind is GuardrailKind.RATE
    events, among = tally.rate(guardrail) if is_rate else (tally.total, tally.units)
    return ArmFigure(events / among if among else None, events, among)
