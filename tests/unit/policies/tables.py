"""Tables and facts that tests of policies share."""

import json
from collections.abc import Mapping
from typing import Any

from andon import policies
from andon.policies import CompiledPolicy, Facts, ValueKind

VARIABLES: Mapping[str, ValueKind] = {
    "input.amount": ValueKind.NUMBER,
    "input.country": ValueKind.STRING,
    "input.tip": ValueKind.OPTIONAL_NUMBER,
    "input.note": ValueKind.OPTIONAL_STRING,
    "input.trusted": ValueKind.BOOLEAN,
    "input.booked_at": ValueKind.TIME,
    "input.tags": ValueKind.STRINGS,
    "input.device": ValueKind.ANY,
    "features.amount_count_10m": ValueKind.NUMBER,
}

SCREENING = """
description: Which transfers are paused.
outcomes: [release, pause, review]
lists:
  sanctioned: [RU, BY, NO]
rules:
  - {id: sanctioned, when: 'input.country in lists.sanctioned', then: pause, reasons: [SANCTIONED_COUNTRY]}
  - {id: risky, when: 'risk.certain && prediction.score >= 0.9', then: pause, reasons: [HIGH_SCORE, MODEL]}
  - {id: large, when: 'input.amount > 10000', then: review, reasons: [LARGE]}
  - {id: velocity, when: 'features.amount_count_10m > 5', then: review}
  - {id: safe, when: 'risk.certain && prediction.score < 0.1', then: release}
otherwise: review
"""


def one_rule(condition: str) -> str:
    """Return a table whose only rule has this condition."""
    return (
        "outcomes: [pause, review]\nlists: {sanctioned: [RU, BY]}\nrules:\n"
        f"  - {{id: only, then: pause, when: {json.dumps(condition)}}}\notherwise: review\n"
    )


def compiled(text: str, variables: Mapping[str, ValueKind] = VARIABLES) -> CompiledPolicy:
    """Return a table read and compiled."""
    return policies.compile(policies.parse(text, source="policy.yaml"), variables)


def facts(
    input_: Mapping[str, Any] | None = None, *, count: float | None = 1, score: float = 0.5, certain: bool = True
) -> Facts:
    """Return the facts of an unremarkable transfer, with some values changed."""
    row = {"amount": 50.0, "country": "DE", "tip": None, "note": None, "trusted": False, **(input_ or {})}
    prediction = {"score": score, "label": "ok", "confidence": 0.9, "probabilities": {"ok": 0.5, "fraud": 0.5}}
    return row, {"amount_count_10m": count}, prediction, {"certain": certain, "threshold": 0.1, "target": 0.01}
