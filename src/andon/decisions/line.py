"""The line: one deployed automation version, ready to see and to judge. Pure.

Seeing turns requests into features (`Line.see`), judging turns features into judgements (`judging.py`), recording
writes them (`recorder.py`). `passage.py` puts the three together; `lane.py` forms the batches.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from andon.authoring import Automation
from andon.decisions.contract import Contract
from andon.decisions.controls import UNCONTROLLED, Control, Controls
from andon.decisions.domain import Decision, DecisionRequest, LineRef, Stages
from andon.decisions.draws import AuditDraws
from andon.decisions.judging import Judge
from andon.decisions.seeing import Seen
from andon.decisions.subjects import Subjects
from andon.decisions.traffic import Arm, Predicts, Traffic
from andon.features import Delta, FeatureSet, Looked, Needs, Snapshot, WantedRows
from andon.kernel.clock import Clock
from andon.policies import REVIEW, CompiledPolicy
from andon.serving import Assignment


class Line:
    """One automation version, ready to decide: contract, features, arms, policy."""

    def __init__(
        self,
        automation: Automation,
        *,
        traffic: Traffic,
        policy: CompiledPolicy,
        outcomes: tuple[str, ...],
        subjects: Subjects | None = None,
        draws: AuditDraws | None = None,
    ) -> None:
        self.automation = automation
        self.traffic = traffic
        self.contract = Contract(automation.contract)
        self.outcomes = outcomes
        self.followed = frozenset((REVIEW, *automation.actions))
        """The outcomes that have a consequence."""
        self._features = FeatureSet(
            automation.name, automation.features, expect=automation.expect, lateness=automation.lateness
        )
        self._policy = policy
        self.judge = Judge(automation.name, policy, when_stopped=automation.when_stopped, predicts=automation.predicts)
        self._subjects = subjects
        self.draws = None if automation.audit is None else draws
        """The draw of blind audits; None if none are declared, or without a key for it (in tests and replay)."""

    @property
    def ref(self) -> LineRef:
        """The exact versions of the champion's arm."""
        return self.traffic.champion.ref

    @property
    def endpoint(self) -> Predicts:
        """The champion, loaded."""
        return self.traffic.champion.loaded

    def place(
        self, request: DecisionRequest, controls: Controls, clock: Clock
    ) -> tuple[Assignment, Arm, Predicts | None]:
        """Return the candidate that answers, its arm, and its part that runs elsewhere. Raises VersionNotServed.

        A split whose lease is over gives nothing to its candidates.
        """
        traffic = self.traffic
        if traffic.split.shares and request.pinned is None:
            control = controls.of(self.automation.name)
            if control.lease is not None and control.withdraws(traffic.split.number, clock.now()):
                return traffic.without_candidates
        return traffic.place(request, self.automation.subject)

    def with_traffic(self, traffic: Traffic) -> "Line":
        """Return the same line with other arms."""
        return Line(
            self.automation,
            traffic=traffic,
            policy=self._policy,
            outcomes=self.outcomes,
            subjects=self._subjects,
            draws=self.draws,
        )

    def subject_of(self, given: Mapping[str, Any]) -> bytes | None:
        """Hash the subject of an input; None if there is none, or the line has no key for it (in tests and replay)."""
        if self._subjects is None or self.automation.subject is None:
            return None
        subject = given.get(self.automation.subject)
        return None if subject is None else self._subjects.hash_of(subject)

    @property
    def looks_up(self) -> bool:
        """Whether deciding requires rows of tables."""
        return self._features.looks_up

    def needs(self, requests: Sequence[DecisionRequest]) -> Needs:
        """Return the stored feature state that deciding these requires."""
        if not self._features.windowed:
            return ()
        return self._features.needs([r.input for r in requests], [r.at for r in requests], _asked(requests))

    def wanted(self, requests: Sequence[DecisionRequest]) -> list[WantedRows]:
        """Return the rows of tables that deciding these requires."""
        return self._features.wanted([r.input for r in requests])

    def see(
        self, requests: Sequence[DecisionRequest], snapshot: Snapshot, looked: Looked | None = None
    ) -> tuple[list[Seen], list[Delta]]:
        """Return the features of a batch in its order, and what the batch adds to the feature state."""
        timed = self._features.timed
        asked = _asked(requests) if timed else None
        computed = self._features.compute(
            [r.input for r in requests],
            [r.at for r in requests] if timed else (),
            snapshot,
            asked=asked,
            looked=looked,
            now=None if asked is None else requests[-1].asked_at,
        )
        failed, misplaced, breached = computed.failures, computed.misplaced, computed.breached
        if not (failed or misplaced or breached):
            return [Seen(row) for row in computed.rows], computed.deltas
        seen = [
            Seen(row, str(failed[i]) if i in failed else None, misplaced.get(i), breached.get(i, ()))
            for i, row in enumerate(computed.rows)
        ]
        return seen, computed.deltas

    def decide(
        self,
        requests: Sequence[DecisionRequest],
        snapshot: Snapshot,
        looked: Looked | None = None,
        *,
        now: datetime,
        control: Control = UNCONTROLLED,
    ) -> tuple[list[Decision], list[Delta]]:
        """See and judge a batch in its order by the champion, without recording it.

        Returns the decisions and the batch's additions to the feature state. Never raises for a bad row: a row that
        cannot be computed or predicted goes to review with the reason.
        """
        seen, deltas = self.see(requests, snapshot, looked)
        champion, fallbacks = self.traffic.champion, self.traffic.fallbacks
        inputs, subject = [request.input for request in requests], self.automation.subject
        judgements = self.judge.judge_now(champion, inputs, seen, control, now=now, fallbacks=fallbacks)
        decisions = [
            Decision(request, self.ref, s.features, judgement, now, Stages(), self.traffic.assign(request, subject))
            for request, s, judgement in zip(requests, seen, judgements, strict=True)
        ]
        return decisions, deltas


def _asked(requests: Sequence[DecisionRequest]) -> list[datetime] | None:
    """Return when each request arrived; None if all arrived as they happened."""
    if all(request.happened_at is None for request in requests):
        return None
    return [request.came_at for request in requests]
