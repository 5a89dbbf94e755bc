"""What can be wrong with a report of a measure."""

from andon.kernel.errors import Invalid


class MeasureReportInvalid(Invalid):
    """The reports of measures cannot be recorded."""
