"""Cases of a new project: certain predictions are decided, and the others go to a person."""

from collections.abc import Mapping
from typing import Any

from andon.kernel import strict_yaml
from andon.scaffold.domain import Plan

_HEAD = """# What must always hold, whatever the model predicts: `andon test` runs it.
# Add the decisions that must never change; `andon test --record ID --name ...` writes one that was made.
"""


def of(plan: Plan, values: Mapping[str, Any]) -> str:
    """Write a file of cases, with the typical row as input and a case for each outcome."""
    row, outcomes = dict(values["example"]), values["outcomes"]
    unsure = {
        "name": "what is not certain goes to a person",
        "input": row,
        "prediction": {"score": 0.5, "label": outcomes[0]["class"], "confidence": 0.5},
        "risk": {"certain": False},
        "expect": {"outcome": "review", "rule": "unsure", "reasons": ["NOT_CERTAIN"]},
    }
    certain = [
        {
            "name": f"{outcome['name']} follows from a prediction that is certain",
            "input": row,
            "prediction": {
                "score": 0.03 if plan.target.binary and number else 0.97,
                "label": outcome["class"],
                "confidence": 0.97,
            },
            "expect": {"outcome": outcome["name"], "rule": outcome["rule"], "reasons": [outcome["reason"]]},
        }
        for number, outcome in enumerate(outcomes)
    ]
    return _HEAD + strict_yaml.write([unsure, *certain])
