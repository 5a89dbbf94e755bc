"""The metrics of the audit log."""

from andon.kernel.metrics import Metrics


class AuditMetrics:
    """Counts checkpoints that a worker wrote."""

    def __init__(self, metrics: Metrics) -> None:
        self.sealed = metrics.counter("andon_audit_checkpoints_total", "Checkpoints written.")
