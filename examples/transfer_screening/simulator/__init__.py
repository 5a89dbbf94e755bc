"""A bank in miniature, seeded: accounts with habits, three kinds of fraud, honest look-alikes, late labels, drift.

`simulate(seed)` gives transfers in time order. All its numbers are fields of `Parameters`, explained in README.md.
"""

from simulator.drift import DRIFTS, Drift
from simulator.parameters import Parameters
from simulator.transfers import Simulated, Transfers, simulate
from simulator.words import CHANNELS, COUNTRIES, SANCTIONED

__all__ = [
    "CHANNELS",
    "COUNTRIES",
    "DRIFTS",
    "SANCTIONED",
    "Drift",
    "Parameters",
    "Simulated",
    "Transfers",
    "simulate",
]
