"""Chores: what workers do again and again beside their work, such as sealing the audit log. Slices declare them in `chores.py`.

A chore with a lease is done by one worker at a time; another takes it over when that one ends or dies. Start reading at
`runner.py`.
"""

from andon.kernel.chores.domain import Chore, ChoreState
from andon.kernel.chores.metrics import ChoreMetrics
from andon.kernel.chores.rows import states
from andon.kernel.chores.runner import ChoreRunner

__all__ = ["Chore", "ChoreMetrics", "ChoreRunner", "ChoreState", "states"]
