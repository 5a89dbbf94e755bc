"""Errors of reports of measures."""

from andon.kernel.errors import Invalid


class MeasureReportInvalid(Invalid):
    """The reports of measures cannot be recorded."""
