"""Traffic that is reserved: by an experiment, a rollout, or a person who split it by hand."""

import re
from dataclasses import dataclass

from andon import serving
from andon.kernel.db import Tx
from andon.serving import TrafficSplit
from andon.trials.errors import TrafficSplitByHand

_SALT = re.compile(r"(?P<automation>.+)/(?P<kind>experiment|rollout)-(?P<number>[1-9][0-9]*)")
"""The salt of the splits that a trial makes."""

_ENDS = {"experiment": "stop", "rollout": "abort"}


@dataclass(frozen=True, slots=True)
class TrafficHolder:
    """An experiment or a rollout that splits the traffic of an automation."""

    kind: str
    automation: str
    number: int

    @property
    def ended_by(self) -> str:
        """The command that ends it."""
        return end_command(self.kind, self.automation, self.number)


def end_command(kind: str, automation: str, number: int) -> str:
    """Return the command that ends an experiment or a rollout."""
    return f"andon {kind} {_ENDS[kind]} {automation} --number {number} --reason ..."


def holder_of(tx: Tx, split: TrafficSplit) -> TrafficHolder | None:
    """Return the trial that holds a split by its lease; None for a split that somebody made by hand."""
    lease, drawn = serving.leases(tx).get(split.automation), _SALT.fullmatch(split.salt)
    if drawn is None or lease is None or lease.split != split.number:  # a split by hand keeps the salt, not the lease
        return None
    return TrafficHolder(drawn["kind"], drawn["automation"], int(drawn["number"]))


def require_unsplit(split: TrafficSplit) -> None:
    """Raise TrafficSplitByHand if other versions have traffic, with the command that ends that."""
    if not split.shares:
        return
    raise TrafficSplitByHand(
        f"{split.automation} is split ({split.summary}), by {split.set_by}: {split.reason}. "
        f"End that first: `andon split set {split.automation} --reason ...`"
    )
