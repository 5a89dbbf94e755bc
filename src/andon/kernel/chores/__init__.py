"""Chores: periodic work of the workers, such as sealing the audit log. Slices declare them in `chores.py`.

A chore with a lease runs on one worker at a time; another worker takes over when that one ends or dies. Start reading
at `runner.py`.
"""

from andon.kernel.chores.domain import Chore, ChoreState
from andon.kernel.chores.metrics import ChoreMetrics
from andon.kernel.chores.rows import states
from andon.kernel.chores.runner import ChoreRunner

__all__ = ["Chore", "ChoreMetrics", "ChoreRunner", "ChoreState", "states"]
