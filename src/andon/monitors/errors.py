"""The errors of monitors."""

from andon.kernel.errors import NotFound


class MonitorNotFound(NotFound):
    """There is no monitor of this name."""
