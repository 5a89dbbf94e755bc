"""What the demo shows: a live line while the stream runs, and the summary at the end."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from examples.demo.stream import Progress
from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run. `cost` is the price of a decision, as /metrics has it."""

    progress: Progress
    reviews: int
    actions_expected: int
    actions_delivered: int
    forged: int
    cost: str
    memory: int
    first_decision: float

    @property
    def succeeded(self) -> bool:
        """Whether every transfer was decided, every action delivered and every review opened."""
        return (
            self.progress.answered == self.progress.expected
            and self.actions_delivered == self.actions_expected
            and self.reviews == self.progress.outcomes["review"]
            and not self.forged
        )


def live(progress: Progress) -> RenderableType:
    """How far the stream is."""
    p50, p95, p99 = percentiles(progress.latencies)
    counts = Text.assemble(
        (f"{progress.per_second:,.0f}", "bold"),
        " decisions/s   automatic ",
        (f"{progress.automatic:.1%}", "bold green"),
        "   reviews ",
        (f"{progress.outcomes['review']:,}", "bold yellow"),
        "   errors ",
        (f"{progress.errors.total()}", "bold red" if progress.errors else "bold"),
    )
    latency = Text(f"p50 {p50:.1f} ms   p95 {p95:.1f} ms   p99 {p99:.1f} ms")
    bar = ProgressBar(total=progress.expected, completed=progress.answered + progress.errors.total(), width=60)
    return Group(bar, counts, latency)


def show_summary(console: Console, summary: Summary) -> None:
    """The table at the end."""
    progress = summary.progress
    p50, p95, p99 = percentiles(progress.latencies)
    table = Table(title="What came of it", title_justify="left", show_header=False)
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in progress.outcomes.most_common())
    errors = ", ".join(f"{count} x {what}" for what, count in progress.errors.items())
    rows = {
        "Decisions": f"{progress.answered:,} of {progress.expected:,} ({outcomes})",
        "Automatic share": f"{progress.automatic:.1%}",
        "Reviews opened": f"{summary.reviews:,}",
        "Actions delivered": f"{summary.actions_delivered:,} of {summary.actions_expected:,}, each once by its key",
        "Throughput": f"{progress.per_second:,.0f} decisions/s",
        "Latency": f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms",
        "Errors": errors or "none",
        "Cost of a decision": summary.cost,
        "Memory of all processes": f"{summary.memory / 1e6:,.0f} MB",
        "Time to first decision": f"{summary.first_decision:.1f} s",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def percentiles(latencies: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95 and p99; zeros when there is next to nothing yet."""
    if len(latencies) < 2:
        return 0.0, 0.0, 0.0
    at = statistics.quantiles(latencies, n=100, method="inclusive")
    return at[49], at[94], at[98]
