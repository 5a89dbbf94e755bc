"""Runs STEPD of frouros and Evidently's drift tests over episodes: `detect.py EPISODES.npz ALARMS.json [detector ...]`.

Evidently's own code chooses and runs the default test of a column, without drawing a report; its rule for a dataset
is that half of the columns drifted. It looks at the last WINDOW rows every STEP rows. river has no STEPD.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType
from frouros.detectors.concept_drift import STEPD, STEPDConfig

WINDOW, STEP = 200, 100
DATASET_SHARE = 0.5


def main() -> None:
    """Write the alarms of every variant."""
    warnings.filterwarnings("ignore")
    source = np.load(sys.argv[1])
    names = sys.argv[3:]
    episodes = range(sum(name.startswith("w") for name in source))
    alarms = {}
    if "STEPD" in names:
        alarms["STEPD errors"] = [stepd(source, at, STEPDConfig()) for at in episodes]
        alarms["STEPD errors tuned"] = [stepd(source, at, TUNED) for at in episodes]
    if "Evidently" in names:
        shares = [evidently(source, at) for at in episodes]
        alarms["Evidently any column"] = [[row for row, share in one if share > 0] for one in shares]
        alarms["Evidently dataset"] = [[row for row, share in one if share >= DATASET_SHARE] for one in shares]
    Path(sys.argv[2]).write_text(json.dumps(alarms), encoding="utf-8")


TUNED = STEPDConfig(alpha_d=0.001, alpha_w=0.05, min_num_instances=100)
"""The level that arXiv 2606.07789 found best, with a window that fits these shorter streams."""


def stepd(source, at, config):
    """Return the rows at which STEPD alarms; it starts again after each."""
    detector = STEPD(config=config)
    for error in source[f"r{at}"][:, -1].tolist():
        detector.update(value=1 - error)
        if detector.drift:
            detector.reset()
    alarms = []
    for row, error in enumerate(source[f"w{at}"][:, -1].tolist()):
        detector.update(value=1 - error)
        if detector.drift:
            alarms.append(row)
            detector.reset()
    return alarms


def evidently(source, at):
    """Return the last row of each window, and the share of columns that Evidently calls drifted."""
    training, reference, watched = (pd.DataFrame(source[f"{kind}{at}"]) for kind in "trw")
    features = list(reference.columns)[:-2]
    before = {column: pd.concat((training[column], reference[column])) for column in features}
    before |= {column: reference[column] for column in list(reference.columns)[-2:]}
    found = []
    for end in range(WINDOW, len(watched) + 1, STEP):
        current = watched.iloc[end - WINDOW : end]
        drifted = [changed(before[column], current[column]) for column in watched.columns]
        found.append((end - 1, float(np.mean(drifted))))
    return found


def changed(before, now):
    """Return whether Evidently's default test of a number reports drift."""
    test = get_stattest(before, now, ColumnType.Numerical, None)
    return bool(test(before, now, ColumnType.Numerical, None).drifted)


if __name__ == "__main__":
    main()
