"""An installed line with versions to compare, with its worker and gateway: for tests of experiments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from andon import experiments, serving
from andon.experiments import Experiment, ExperimentEstimates, ExperimentWatcher, ExperimentWish
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.serving import Candidate
from rolling import OTTO, RITA, RolledLine


@dataclass(slots=True)
class ComparedLine:
    """A line of which version 1 is the champion, version 2 as good, and version 3 has everything wrong."""

    line: RolledLine
    usual: Mapping[str, Any] = field(
        default_factory=lambda: {"measure": "automatic", "better": "higher", "unit": "decision"}
    )
    _watcher: ExperimentWatcher | None = None

    def wish(self, *arms: int | str, **fields: Any) -> ExperimentWish:
        named = [Candidate.parse(str(arm)) for arm in arms]
        return ExperimentWish("payments", "fraud-risk", named, **{**self.usual, **fields})

    def start(self, *arms: int | str, **fields: Any) -> Experiment:
        with self.line.database.begin() as tx:
            started = experiments.start(
                tx,
                self.wish(*arms, **fields),
                actor=OTTO,
                reason="which is better?",
                events=self.line.events,
                now=self.line.now,
            )
        self.line.installation.deployment.refresh()
        return started

    def act(self, change: Callable[..., Experiment], *, actor: Actor = RITA, reason: str = "test") -> Experiment:
        """Stop the newest experiment, or adopt its winner."""
        with self.line.database.begin() as tx:
            done = change(tx, "payments", None, actor=actor, reason=reason, events=self.line.events, now=self.line.now)
        self.line.installation.deployment.refresh()
        return done

    def watch(self, at: datetime | None = None) -> Experiment:
        """Do what the worker's chore does until there is nothing more to do."""
        more = True
        while more:
            with self.line.database.begin() as tx:
                more = self.look(tx, at)
        self.line.installation.deployment.refresh()
        return self.experiment

    def look(self, tx: Tx, at: datetime | None = None) -> bool:
        """Look once; whether there may be more to do."""
        self._watcher = self._watcher or ExperimentWatcher(self.line.events)
        return self._watcher.look(tx, at or self.line.now)

    def another_worker(self) -> None:
        """Kill the worker; another takes over."""
        self._watcher = None

    @property
    def experiment(self) -> Experiment:
        with self.line.database.begin() as tx:
            return experiments.show(tx, "payments").experiment

    @property
    def estimates(self) -> ExperimentEstimates:
        with self.line.database.begin() as tx:
            return experiments.estimates(tx, self.experiment)

    @property
    def shares(self) -> dict[int, float]:
        """Percent of the traffic by version, of those that have a share of their own."""
        with self.line.database.begin() as tx:
            split = serving.split_of(tx, "payments", "fraud-risk")
        return {one.version: share for one, share in split.shares.items()}

    def steps(self) -> Sequence[str]:
        """Return the kinds of its events."""
        with self.line.database.begin() as tx:
            return [event.kind for event in experiments.show(tx, "payments").events]
