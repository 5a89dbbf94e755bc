"""Proofs: what labels prove about each risk gate, kept up to date by a worker, with the curve and forecast behind it.

Labels become evidence (`gathering.py`), evidence moves provers (`proving.py`, `andon.statistics.gate_proofs`), and
their proofs become gate revisions (`domain.py` has the rule). Start at `service.py`; `reading.py` serves people.
"""

from andon.proofs.domain import GateEvidence, ProvenRegion, SeriesKey
from andon.proofs.errors import NothingBounded, SeriesUnknown, TargetInvalid
from andon.proofs.reading import (
    ForecastStep,
    GateAccount,
    GateForecast,
    RiskCurve,
    RiskPoint,
    curve,
    curve_sentence,
    explain,
    forecast,
    forecast_sentence,
    part_named,
    what_if,
)
from andon.proofs.service import CONSUMER, ProofRounds, prove_lines

__all__ = [
    "CONSUMER",
    "ForecastStep",
    "GateAccount",
    "GateEvidence",
    "GateForecast",
    "NothingBounded",
    "ProofRounds",
    "ProvenRegion",
    "RiskCurve",
    "RiskPoint",
    "SeriesKey",
    "SeriesUnknown",
    "TargetInvalid",
    "curve",
    "curve_sentence",
    "explain",
    "forecast",
    "forecast_sentence",
    "part_named",
    "prove_lines",
    "what_if",
]
