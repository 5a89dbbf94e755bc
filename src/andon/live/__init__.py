"""Live: how each process that decides is doing right now, written by itself, read by whoever shows it.

Start reading at `domain.py` (what a process says), then `watching.py` (how it knows) and `reporter.py` (how it tells).
"""

from andon.live.bands import Bands, percentiles
from andon.live.domain import (
    GONE_AFTER,
    STAGES,
    ArmCounts,
    Figures,
    Latency,
    LineCounts,
    Pool,
    Process,
    Status,
    WaitingCounts,
    figures,
    line_counts,
    pools,
    processes_of,
    waiting,
)
from andon.live.reporter import Reporter
from andon.live.service import leave, processes, report
from andon.live.watching import LiveWatch

__all__ = [
    "GONE_AFTER",
    "STAGES",
    "ArmCounts",
    "Bands",
    "Figures",
    "Latency",
    "LineCounts",
    "LiveWatch",
    "Pool",
    "Process",
    "Reporter",
    "Status",
    "WaitingCounts",
    "figures",
    "leave",
    "line_counts",
    "percentiles",
    "pools",
    "processes",
    "processes_of",
    "report",
    "waiting",
]
