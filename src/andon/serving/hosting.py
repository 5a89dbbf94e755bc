"""Hosting of one model's versions on this machine. `kernel/config.py` describes each setting for users."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def no_gpus(pid: int) -> int:
    """Return 0, for machines without GPUs."""
    del pid
    return 0


@dataclass(frozen=True, slots=True)
class Hosting:
    """Limits of a model's processes, for each of its versions. `environments` is the folder of built environments."""

    isolated: bool = False
    environments: Path = Path(".andon/environments")
    processes_min: int = 1
    processes_max: int = 1
    timeout_seconds: float = 5.0
    idle_seconds: float = 300.0
    wait_target_ms: float = 20.0
    max_batch: int = 256
    memory_mb: int = 2048
    start_seconds: float = 60.0
    """The time limit for a process to load the model and answer its probes."""
    queue_batches: int = 64
    """Batches that may wait for a free process; one more is refused."""
    url: str | None = None
    """Where a remote model's server is, if not where its package says."""
    secret: str | None = field(default=None, repr=False)
    """The bearer token for that server."""
    allow_private: bool = False
    """Whether a remote model's server may be in the private network."""
    gpus_of: Callable[[int], int] = field(default=no_gpus, repr=False)
    """On how many GPUs the process of this id computes."""


HERE = Hosting()
"""The hosting of a model without settings."""
