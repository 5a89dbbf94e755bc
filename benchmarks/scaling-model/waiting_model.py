"""A model that takes 15 ms a batch without using a core, like one that waits for a GPU: more processes always help."""

import time
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = 0.015


class Waiting:
    """Predicts the obvious for each row."""

    def __init__(self, folder: Path) -> None:
        del folder

    def predict(self, columns: dict[str, Any]) -> Any:
        """Return P(positive) of each row."""
        time.sleep(SECONDS)
        return 1 / (1 + np.exp(-np.nan_to_num(columns["x"])))
