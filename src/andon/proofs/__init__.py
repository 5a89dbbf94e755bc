"""Proofs: what labels prove about each risk gate, kept up to date by a worker, with the curve and forecast behind it.

`andon.evidence` collects cases and verdicts, which move provers (`proving.py`, `andon.statistics.gate_proofs`), and
their proofs become gate revisions (`domain.py` has the rule). Start at `service.py`; `reading.py` serves people.
"""

from andon.proofs.domain import ProvenRegion, SeriesKey
from andon.proofs.errors import NothingBounded, SeriesUnknown, TargetInvalid
from andon.proofs.reading import (
    GateAccount,
    RiskCurve,
    curve,
    explain,
    forecast,
    part_named,
)
from andon.proofs.service import ProofRounds, prove_lines
from andon.statistics.gate_proofs import StopReason

__all__ = [
    "GateAccount",
    "NothingBounded",
    "ProofRounds",
    "ProvenRegion",
    "RiskCurve",
    "SeriesKey",
    "SeriesUnknown",
    "StopReason",
    "TargetInvalid",
    "curve",
    "explain",
    "forecast",
    "part_named",
    "prove_lines",
]
