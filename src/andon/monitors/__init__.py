"""Monitors: permanent checks of a line's decisions. Breaches are published; alerts act on them.

The stream of decisions is counted in windows (`reading.py`); a worker compares ended windows with expectations
(`judging.py`, one file for each monitor in `judges/`), and writes the state of each series (`states.py`).
"""

from andon.monitors.domain import Level, MonitorState, SeriesStatus, TrendPoint
from andon.monitors.errors import MonitorNotFound
from andon.monitors.label_reading import subscribe
from andon.monitors.published import MonitorBreached, MonitorRecovered
from andon.monitors.service import counts, status, trend

__all__ = [
    "Level",
    "MonitorBreached",
    "MonitorNotFound",
    "MonitorRecovered",
    "MonitorState",
    "SeriesStatus",
    "TrendPoint",
    "counts",
    "status",
    "subscribe",
    "trend",
]
