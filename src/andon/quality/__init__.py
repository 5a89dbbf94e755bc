"""Quality: one summary of a line's present quality, from its gates, monitors, alerts, audits and measures."""

from andon.quality.domain import AuditStanding, LineQuality, MonitorStanding
from andon.quality.service import line_quality

__all__ = ["AuditStanding", "LineQuality", "MonitorStanding", "line_quality"]
