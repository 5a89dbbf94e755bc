"""Traffic that is reserved: by an experiment, a rollout, or a person who split it by hand."""

from andon.serving import TrafficSplit
from andon.trials.errors import TrafficSplitByHand

_ENDS = {"experiment": "stop", "rollout": "abort"}


def end_command(kind: str, automation: str, number: int) -> str:
    """Return the command that ends an experiment or a rollout."""
    return f"andon {kind} {_ENDS[kind]} {automation} --number {number} --reason ..."


def require_unsplit(split: TrafficSplit) -> None:
    """Raise TrafficSplitByHand if other versions have traffic, with the command that ends that."""
    if not split.shares:
        return
    raise TrafficSplitByHand(
        f"{split.automation} is split ({split.summary}), by {split.set_by}: {split.reason}. "
        f"End that first: `andon split set {split.automation} --reason ...`"
    )
