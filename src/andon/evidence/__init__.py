"""The evidence stream: decisions that somebody looks at, each judged once, at a fixed age of the decision.

It is collected once; proofs, trials and monitors judge it. A verdict counts when its decision reaches the age, whatever
it says, and what is still open then counts as wrong. Verdicts as soon as they are known are read apart: they may close
a gate, not open it. Start at `service.py`. `stream.py` reads committed decisions, `judging.py` has the rules.
"""

from andon.evidence.domain import AgedCase, age_by, is_automatic, json_of
from andon.evidence.judging import chance_of
from andon.evidence.lines import bounded_versions, segment_in
from andon.evidence.service import (
    EvidenceRounds,
    age_of,
    arms,
    cases_after,
    daily,
    first_counting,
    labels_above,
    labels_since,
    looks_since,
    position_now,
    proving_after,
    silent_truth_of,
    traffic_of,
    verdicts_after,
)
from andon.evidence.store import ArmEvidence, LooksLately
from andon.evidence.stream import CONSUMER, DecisionStream, Tally, held

__all__ = [
    "CONSUMER",
    "AgedCase",
    "ArmEvidence",
    "DecisionStream",
    "EvidenceRounds",
    "LooksLately",
    "Tally",
    "age_by",
    "age_of",
    "arms",
    "bounded_versions",
    "cases_after",
    "chance_of",
    "daily",
    "first_counting",
    "held",
    "is_automatic",
    "json_of",
    "labels_above",
    "labels_since",
    "looks_since",
    "position_now",
    "proving_after",
    "segment_in",
    "silent_truth_of",
    "traffic_of",
    "verdicts_after",
]
