"""The change of a proof: what held-out rows prove for an arm before and after its policy or model changes."""

from dataclasses import dataclass

from andon import models, policies
from andon.authoring import Automation, RiskBound
from andon.decisions.assembly import compile_text
from andon.decisions.domain import HeldOutEvidence
from andon.decisions.errors import AutomationInvalid
from andon.decisions.held_out import arm_evidence
from andon.kernel.db import Tx
from andon.models import CHAMPION, AliasNotFound, ModelNotFound
from andon.policies import PolicyInvalid
from andon.serving import gate_of
from andon.statistics.intervals import upper_bound


@dataclass(frozen=True, slots=True)
class HeldOutProof:
    """What held-out rows prove for one arm: the automatic share of the decisions, their error and its bound.

    `bound` is the upper bound of one look. Without a proof, share is 0, the others None; `because` may tell why.
    """

    share: float
    error: float | None
    bound: float | None
    because: str = ""

    @property
    def sentence(self) -> str:
        """The proof in words."""
        if self.bound is None:
            return f"nothing automatic ({self.because or 'no region is proven'})"
        return f"{self.share:.1%} automatic, at most {self.bound:.2%} wrong"


@dataclass(frozen=True, slots=True)
class ProofChange:
    """The proofs of one automation's champion before and after a change; None before if there was no such arm."""

    automation: str
    confidence: float
    before: HeldOutProof | None
    after: HeldOutProof

    @property
    def sentence(self) -> str:
        """The change in words."""
        before = "unknown" if self.before is None else self.before.sentence
        return f"{before} → {self.after.sentence} (by held-out rows, with {self.confidence:.0%} confidence)"


def proof_change(
    tx: Tx, automation: Automation, *, policy: str | None = None, champion: int | None = None
) -> ProofChange | None:
    """Return what a policy or another champion would change of what is proven; None where no risk is bounded.

    It judges the kept held-out rows twice, which takes seconds where they are many.
    """
    in_force, present = policies.in_force(tx, automation.name), _champion(tx, automation)
    after, number = policy, champion or present
    if after is None and in_force is not None:
        after = in_force.text
    if automation.risk is None or after is None or number is None:
        return None
    before = None
    if in_force is not None and present is not None:
        try:
            before = _proof(tx, automation, present, in_force.text)
        except (PolicyInvalid, AutomationInvalid):  # it was for other code
            before = None
    return ProofChange(automation.name, automation.risk.confidence, before, _proof(tx, automation, number, after))


def proof_of(evidence: HeldOutEvidence, risk: RiskBound) -> HeldOutProof:
    """Return what evidence proves for a bound."""
    threshold = gate_of(evidence.table, risk).threshold
    found = next((row for row in evidence.table.table if row.threshold == threshold and row.rows), None)
    if found is None:
        return HeldOutProof(0.0, None, None, evidence.because)
    bound = upper_bound(found.errors, found.rows, risk.confidence)
    return HeldOutProof(found.rows / evidence.table.rows, found.errors / found.rows, bound)


def _proof(tx: Tx, automation: Automation, number: int, text: str) -> HeldOutProof:
    version = models.get(tx, automation.model, number)
    _, policy = compile_text(automation, text, f"the policy of {automation.name}")
    evidence = arm_evidence(automation, policy, version.manifest, lambda: models.held_out_rows(tx, version))
    assert automation.risk is not None  # noqa: S101 - `proof_change` has checked it
    return proof_of(evidence, automation.risk)


def _champion(tx: Tx, automation: Automation) -> int | None:
    try:
        return models.by_alias(tx, automation.model, CHAMPION).number
    except (ModelNotFound, AliasNotFound):
        return None
