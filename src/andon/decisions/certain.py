"""What a policy would have decided about a decision of the ledger if the prediction had been certain."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from pydantic_core import to_json

from andon import policies
from andon.authoring import Automation
from andon.decisions.assembly import compile_text
from andon.decisions.contract import Contract
from andon.decisions.errors import AutomationInvalid, InputInvalid, InputMalformed
from andon.decisions.feed_item import FeedRecord
from andon.kernel.db import Tx
from andon.policies import CompiledPolicy, PolicyInvalid, Ruling


class CertainRulings:
    """The policies of the automations whose code is here, compiled once each."""

    def __init__(self, declared: Iterable[Automation] = ()) -> None:
        self._declared = {one.name: one for one in declared}
        self._known: dict[tuple[str, str], tuple[Contract, CompiledPolicy] | None] = {}

    def ruling(self, tx: Tx, record: FeedRecord, given: Mapping[str, Any]) -> Ruling | None:
        """Return the ruling on an input and its recorded prediction, if that were certain.

        None where that is not known: the code is not here, or no longer fits the input or the policy.
        """
        prediction, parts = record.prediction, self._parts(tx, record.line.automation, record.line.policy_version)
        if prediction is None or parts is None:
            return None
        contract, policy = parts
        try:
            read = contract.read(to_json(given))
        except (InputInvalid, InputMalformed):
            return None
        facts = {
            "score": prediction.score,
            "label": prediction.label,
            "confidence": prediction.confidence,
            "probabilities": prediction.probabilities,
        }
        risk = {"certain": True, "threshold": record.risk.threshold, "target": record.risk.target}
        return policy.evaluate(read, record.features, facts, risk)

    def _parts(self, tx: Tx, automation: str, version: str) -> tuple[Contract, CompiledPolicy] | None:
        key = automation, version
        if key not in self._known:
            declared, published = self._declared.get(automation), policies.find(tx, automation, version)
            found = None
            if declared is not None and published is not None:
                with suppress(PolicyInvalid, AutomationInvalid):
                    _, policy = compile_text(declared, published.text, f"policy {version}")
                    found = Contract(declared.contract), policy
            self._known[key] = found  # at the end: what an unforeseen error leaves open is tried again
        return self._known[key]
