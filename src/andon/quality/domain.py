"""The quality of a line as values: its automatic and proven part, its monitors, its alerts and incidents. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from andon.alerts import Alert, Incident
from andon.cord import LineState, LineStateChange
from andon.measures import MeasureSum
from andon.monitors import MonitorState, SeriesStatus
from andon.proofs import GateAccount


@dataclass(frozen=True, slots=True)
class MonitorStanding:
    """One monitor of a line: the state of its worst series, and all its series, the worst first."""

    monitor: str
    series: Sequence[SeriesStatus]

    @property
    def state(self) -> MonitorState:
        """The state of its worst series; silent only if all are."""
        spoken = [one.state for one in self.series if one.state is not MonitorState.SILENT]
        return max(spoken, key=lambda state: state.severity, default=MonitorState.SILENT)

    @property
    def sentence(self) -> str:
        """The message of its worst series, with the name of the series if there are several."""
        first = self.series[0]
        return f"{first.series}: {first.reason}" if first.series and len(self.series) > 1 else first.reason


@dataclass(frozen=True, slots=True)
class AuditStanding:
    """Blind audits of a line: the share that is drawn (None: none), and how many wait, agreed or disagreed."""

    share: float | None
    waiting: int
    agreed: int
    disagreed: int


@dataclass(frozen=True, slots=True)
class LineQuality:
    """The quality of a line at a moment.

    `decisions` and `automatic` count those of the last 24 hours. `unbounded` says why no error is bounded, where none
    is. `measures` are sums over the last 30 days.
    """

    automation: str
    version: int
    at: datetime
    state: LineState
    changes: Sequence[LineStateChange]
    decisions: int
    automatic: int
    gates: Sequence[GateAccount]
    forecast: str | None
    unbounded: str | None
    monitors: Sequence[MonitorStanding]
    alerts: Sequence[Alert]
    incidents: Sequence[Incident]
    audits: AuditStanding
    measures: Sequence[MeasureSum]

    @property
    def automatic_share(self) -> float | None:
        """The share of the last day's decisions that needed no person; None without decisions."""
        return self.automatic / self.decisions if self.decisions else None

    @property
    def worst(self) -> MonitorState:
        """The state of the worst monitor."""
        return max((one.state for one in self.monitors), key=lambda state: state.severity, default=MonitorState.SILENT)

    @property
    def headline(self) -> str:
        """The headline: what is proven, or why nothing is."""
        return self.gates[0].sentence if self.gates else self.unbounded or "there is no gate yet"
