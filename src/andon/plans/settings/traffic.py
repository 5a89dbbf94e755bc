"""The traffic split of an automation."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from andon import decisions, policies, serving
from andon.access import Permission
from andon.authoring import Automation
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.plans.configuration import ManagedCandidate, ManagedTraffic
from andon.plans.domain import Json
from andon.plans.errors import ConfigurationInvalid
from andon.plans.ports import PlannedAct
from andon.serving import Candidate


class TrafficInForce:
    """The shares and shadows of an automation as its whole split. Candidates' policies are published, not in force."""

    def __init__(self, automation: Automation, wanted: ManagedTraffic, texts: Mapping[str, str]) -> None:
        self.place = f"automations.{automation.name}.traffic"
        self.automation, self.endpoint = automation.name, automation.model
        self._declared, self._wanted, self._texts = automation, wanted, texts
        named = [*wanted.shares, *wanted.shadows]
        publishes = (Permission.PUBLISH_POLICY,) if any(one.policy for one in named) else ()
        narrows = (Permission.NARROW_GATES,) if any(one.gate is not None for one in named) else ()
        self.permissions = (Permission.SET_SPLIT, *publishes, *narrows)

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the shares and shadows by candidate."""
        del at
        split = serving.split_of(tx, self.automation, self._declared.model)
        return {
            "shares": {str(candidate): share for candidate, share in sorted(split.shares.items())},
            "shadows": [str(candidate) for candidate in split.shadows],
        }

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Publish the policies of candidates without putting them in force, and set the split."""
        shares = [(self._candidate(tx, one, act), one.percent) for one in self._wanted.shares]
        twice = [one for one, count in Counter(one for one, _ in shares).items() if count > 1]
        if twice:
            raise ConfigurationInvalid(
                faults=[Fault(f"shares.{one}", "This candidate is named twice") for one in twice]
            )
        shadows = [self._candidate(tx, one, act) for one in self._wanted.shadows]
        named, model = [*(one for one, _ in shares), *shadows], self._declared.model
        decisions.require_gates(
            tx, self.automation, model, named, declared=self._declared, events=act.events, now=act.now
        )
        serving.set_split(
            tx,
            self.automation,
            model,
            shares=dict(shares),
            shadows=shadows,
            actor=act.actor,
            reason=act.reason,
            events=act.events,
            now=act.now,
            suits=lambda policy: decisions.check_policy(self._declared, policy),
        )

    def _candidate(self, tx: Tx, named: ManagedCandidate, act: PlannedAct) -> Candidate:
        if named.policy is None:
            return Candidate(named.version, gate=named.gate)
        text = self._texts[named.policy]
        known = policies.find(tx, self.automation, policies.parse(text, source=named.policy).version)
        published = known or decisions.publish_policy(
            tx,
            self._declared,
            text,
            source=named.policy,
            actor=act.actor,
            reason=act.reason,
            now=act.now,
            events=act.events,
            in_force=False,
        )
        return Candidate(named.version, published.version, named.gate)
