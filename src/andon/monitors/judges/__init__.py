"""Judges: one file per monitor, each a pure function from windows to observations. `windows.py` is their input."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from andon.monitors.domain import Observation
from andon.monitors.judges.windows import JudgedWindow

Judge: TypeAlias = Callable[[JudgedWindow], Sequence[Observation]]
"""A monitor as it judges a window that has ended."""
