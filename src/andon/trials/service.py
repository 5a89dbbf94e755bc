"""Operations on trials of one kind for people, and the check that nothing else tries arms of an automation."""

from collections.abc import Callable, Sequence
from typing import Generic, NoReturn

from andon import models, policies, serving
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.models import Ready
from andon.serving import Candidate, Suits
from andon.trials import store
from andon.trials.errors import ExperimentUnderWay, RolloutUnderWay
from andon.trials.holding import end_command, require_unsplit
from andon.trials.store import One, Step, TrialStore


class TrialDesk(Generic[One, Step]):
    """What people read about the trials of one kind."""

    def __init__(self, kept: TrialStore[One, Step], kind: str, missing: Callable[[str], NoReturn]) -> None:
        self._store, self._kind, self._missing = kept, kind, missing

    def get(self, tx: Tx, automation: str, number: int | None = None, *, for_update: bool = False) -> One:
        """Return one; without a number the newest. Raises what is raised where there is none."""
        if number is None:
            newest = self._store.page(tx, [automation], limit=1)
            if not newest:
                article = "an" if self._kind[0] in "aeiou" else "a"
                self._missing(f"{automation} never had {article} {self._kind}")
            number = newest[0].number
        found = self._store.find(tx, automation, number, for_update=for_update)
        if found is None:
            self._missing(f"{automation} has no {self._kind} {number}")
        return found

    def locked(self, tx: Tx, automation: str, number: int | None, reason: str) -> tuple[str, One]:
        """Return the checked reason, and the trial that nobody else can move now."""
        why = reasons.require(reason)
        found = self.get(tx, automation, number, for_update=True)
        serving.hold(tx, automation)
        return why, found

    def page(self, tx: Tx, automations: Sequence[str] | None = None, *, limit: int = 50) -> Sequence[One]:
        """Return those of some automations, or of all; newest first."""
        return self._store.page(tx, automations, limit=limit)

    def open_ones(self, tx: Tx) -> Sequence[One]:
        """Return those of all automations that are not over."""
        return self._store.open_ones(tx)

    def ended_counts(self, tx: Tx) -> Sequence[tuple[str, str, int]]:
        """Return how many of each automation ended in each state."""
        return self._store.ended_counts(tx)


def require_free(tx: Tx, automation: str) -> None:
    """Raise RolloutUnderWay or ExperimentUnderWay if one is open. Lock the split first."""
    running = store.find_open(tx, automation)
    if running is None:
        return
    message = (
        f"{running.kind.capitalize()} {running.number} of {automation} is under way, started by {running.started_by}: "
        f"{running.reason}. Wait until it is over, or end it: "
        f"`{end_command(running.kind, automation, running.number)}`"
    )
    if running.kind == "rollout":
        raise RolloutUnderWay(message)
    raise ExperimentUnderWay(message)


def free_split(tx: Tx, automation: str, model: str) -> serving.TrafficSplit:
    """Return the split in force of an automation that nothing is tried on. Raises also TrafficSplitByHand."""
    require_free(tx, automation)
    split = serving.split_of(tx, automation, model)
    require_unsplit(split)
    return split


def check_arms(
    tx: Tx, automation: str, model: str, arms: Sequence[Candidate], ready: Ready | None, suits: Suits | None
) -> None:
    """Make sure that arms can answer here: their versions load, and their policies fit."""
    for arm in arms:
        version = models.get(tx, model, arm.version)
        models.require_same_score(tx, version)
        if ready is not None:
            ready(version)
        if suits is not None and arm.policy:
            suits(policies.get(tx, automation, arm.policy))
