"""Proofs: what labels prove of each risk gate, kept up to date by a worker, with the curve and the forecast behind it.

Labels become evidence (`gathering.py`), evidence moves provers (`proving.py`, `andon.statistics.gate_proofs`), and what they
prove becomes a gate revision (`domain.py` says when). Start at `service.py`.
"""

from andon.proofs.domain import GateEvidence, ProvenRegion, SeriesKey
from andon.proofs.service import CONSUMER, prove_lines

__all__ = ["CONSUMER", "GateEvidence", "ProvenRegion", "SeriesKey", "prove_lines"]
