"""The demo's output: a live line while the stream runs, and the summary at the end."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from andon.kernel.config import CostSettings
from andon_demo.comparison import Way
from andon_demo.stream import Progress

OF_A_PAUSE = 3
"""The messages that core banking receives about a paused transfer: pause, notify the customer, and the end."""


@dataclass(slots=True)
class Summary:
    """The results of a run: calls as answered, and events as recorded in the ledger."""

    progress: Progress
    events: Counter[str]
    memory: int
    first_decision: float
    reviews: int = 0
    audits: int = 0
    actions_delivered: int = 0
    procedures_ended: int = 0
    customers_asked: int = 0
    forged: int = 0

    @property
    def outcomes(self) -> Counter[str]:
        """The outcomes of both paths."""
        return self.progress.outcomes + self.events

    @property
    def actions_expected(self) -> int:
        """The expected actions: one for each released transfer, some for each paused one."""
        return self.outcomes["release"] + OF_A_PAUSE * self.outcomes["pause"]

    @property
    def reviews_expected(self) -> int:
        """The expected reviews: one for each transfer that a person decides, and one for each blind audit."""
        return self.outcomes["review"] + self.audits

    @property
    def settled(self) -> bool:
        """Whether everything that follows has happened."""
        return self.actions_delivered >= self.actions_expected and self.reviews >= self.reviews_expected

    @property
    def succeeded(self) -> bool:
        """Whether every transfer was decided, every action delivered, every pause ended and every review opened."""
        return (
            self.progress.answered == self.progress.calls
            and self.events.total() == self.progress.events
            and self.actions_delivered == self.actions_expected
            and self.procedures_ended == self.outcomes["pause"]
            and self.reviews == self.reviews_expected
            and not self.forged
        )


def live(progress: Progress) -> RenderableType:
    """Return the progress of the stream."""
    p50, p95, p99 = percentiles(progress.latencies)
    counts = Text.assemble(
        (f"{progress.per_second:,.0f}", "bold"),
        " decisions/s   calls ",
        (f"{progress.answered:,}", "bold green"),
        "   events ",
        (f"{progress.decided:,}", "bold green"),
        f" of {len(progress.told):,}   errors ",
        (f"{progress.errors.total()}", "bold red" if progress.errors else "bold"),
    )
    latency = Text(f"calls: p50 {p50:.1f} ms   p95 {p95:.1f} ms   p99 {p99:.1f} ms")
    done = progress.answered + progress.errors.total() + progress.decided
    bar = ProgressBar(total=progress.calls + progress.events, completed=done, width=60)
    return Group(bar, counts, latency)


def show_summary(console: Console, summary: Summary, intake: str) -> None:
    """Show the table of results."""
    progress = summary.progress
    p50, p95, p99 = percentiles(progress.latencies)
    table = Table(title="Results", title_justify="left", show_header=False)
    errors = ", ".join(f"{count} x {what}" for what, count in progress.errors.items())
    decided = progress.answered + summary.events.total()
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in summary.outcomes.most_common())
    rows = {
        "Called, urgent": f"{progress.answered:,} of {progress.calls:,}",
        f"From {intake}": f"{summary.events.total():,} of {progress.events:,}",
        "Decisions": f"{decided:,} ({outcomes})",
        "Automatic share": f"{1 - summary.outcomes['review'] / max(decided, 1):.1%}",
        "Reviews opened": f"{summary.reviews:,}, {summary.audits:,} of them blind audits",
        "Actions delivered": f"{summary.actions_delivered:,} of {summary.actions_expected:,}, each once by its key",
        "Transfers paused": f"{summary.procedures_ended:,} procedures ended, {summary.customers_asked:,} "
        "customers asked",
        "Throughput": f"{progress.per_second:,.0f} decisions/s",
        "Latency of a call": f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms",
        "Errors": errors or "none",
        "Memory of all processes": f"{summary.memory / 1e6:,.0f} MB",
        "Time to first decision": f"{summary.first_decision:.1f} s",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def show_comparison(console: Console, ways: Sequence[Way], cost: CostSettings) -> None:
    """Show the table of ways into the line."""
    table = Table(
        "",
        title="Time from event to decision, and the cost of a decision",
        title_justify="left",
        caption="CPU time of the deciding process, of PostgreSQL and of the broker",
        caption_justify="left",
    )
    for name in ("decisions", "p50", "p95", "CPU", f"{cost.currency} per million"):
        table.add_column(name, justify="right")
    for way in ways:
        price = way.total_us / 3600 * cost.cpu_hour
        spans = _span(way.routed.p50), _span(way.routed.p95)
        table.add_row(way.name, f"{way.routed.decisions:,}", *spans, f"{way.total_us:,.0f} µs", f"{price:,.4f}")
    console.print(table)


def _span(milliseconds: float) -> str:
    return f"{milliseconds:,.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:,.1f} s"


def percentiles(latencies: Sequence[float]) -> tuple[float, float, float]:
    """Return p50, p95 and p99; zeros while there are fewer than two values."""
    if len(latencies) < 2:
        return 0.0, 0.0, 0.0
    at = statistics.quantiles(latencies, n=100, method="inclusive")
    return at[49], at[94], at[98]
