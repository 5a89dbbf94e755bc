"""The metrics of the audit log."""

from andon.audit.refusing import refused_rows
from andon.kernel.metrics import Metrics


class AuditMetrics:
    """Counts checkpoints that a worker wrote, and rows that this process refuses."""

    def __init__(self, metrics: Metrics) -> None:
        self.sealed = metrics.counter("andon_audit_checkpoints_total", "Checkpoints written.")
        metrics.gauges_of(
            "andon_audit_refused_rows",
            "Rows that this process refuses because they do not match the audit log, by kind.",
            lambda: [((kind,), float(count)) for kind, count in refused_rows().items()],
            labels=("kind",),
        )
