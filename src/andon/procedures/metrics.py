"""The metrics of procedures."""

from andon.kernel.metrics import Metrics


class ProcedureMetrics:
    """Counts what procedures did. All of them run on one thread's event loop, so one thread writes."""

    def __init__(self, metrics: Metrics) -> None:
        self.step_seconds = metrics.batch_histogram(
            "andon_procedure_step_seconds",
            "Duration of one call of a step's function that returned.",
            ("procedure", "step"),
        )
        self.step_failures = metrics.batch_counter(
            "andon_procedure_step_failures_total",
            "Calls of a step's function that raised; some are tried again.",
            ("procedure", "step"),
        )
        self.endings = metrics.batch_counter(
            "andon_procedures_ended_total",
            "Procedures that ended: done or failed.",
            ("procedure", "result"),
        )

    def step_done(self, procedure: str, step: str, seconds: float) -> None:
        """Count a step function that returned."""
        self.step_failures.add((procedure, step), 0)  # counted from zero
        self.step_seconds.observe_times((procedure, step), seconds)

    def step_failed(self, procedure: str, step: str) -> None:
        """Count a step function that raised."""
        self.step_failures.add((procedure, step))

    def ended(self, procedure: str, *, failed: bool) -> None:
        """Count a procedure that ended."""
        self.endings.add((procedure, "failed"), failed)
        self.endings.add((procedure, "done"), not failed)
