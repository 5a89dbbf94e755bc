"""Monitors: standing checks of what a line decides, computed from the feed. Breaches are published; what follows them is not done here."""

from andon.monitors.domain import Level, MonitorFinding
from andon.monitors.published import MonitorBreached, MonitorRecovered

__all__ = ["Level", "MonitorBreached", "MonitorFinding", "MonitorRecovered"]
