"""Live: the current status of each process that decides, written by the process and read for display.

Start reading at `domain.py` (the status), then `watching.py` (how it is counted) and `reporter.py` (how it is sent).
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
