"""Runs river's ADWIN and KSWIN over episodes: `detect.py EPISODES.npz ALARMS.json [detector ...]`.

Arrays `r<n>` and `w<n>` hold the reference and the watched rows of episode n; the last two columns are the score and
the error. ADWIN gets values on the scale of the reference, and each detector gets the reference first.
"""

import json
import sys
from pathlib import Path

import numpy as np
from river.drift import ADWIN, KSWIN

DELTA = 0.002
TUNED_DELTA = 0.01
"""The setting that arXiv 2606.07789 found best over all its streams."""


def main() -> None:
    """Write the alarms of every variant."""
    source = np.load(sys.argv[1])
    names = sys.argv[3:]
    count = sum(name.startswith("w") for name in source)
    alarms = {}
    for name, columns, make in VARIANTS:
        if name.split()[0] in names:
            alarms[name] = [run(scaled(source[f"r{at}"], source[f"w{at}"]), columns, make) for at in range(count)]
    Path(sys.argv[2]).write_text(json.dumps(alarms), encoding="utf-8")


VARIANTS = (
    ("ADWIN errors", slice(-1, None), lambda _: ADWIN(DELTA)),
    ("ADWIN errors tuned", slice(-1, None), lambda _: ADWIN(TUNED_DELTA)),
    ("ADWIN all", slice(None), lambda _: ADWIN(DELTA)),
    ("ADWIN all corrected", slice(None), lambda columns: ADWIN(DELTA / columns)),
    ("KSWIN errors", slice(-1, None), lambda _: KSWIN(seed=1)),
    ("KSWIN score", slice(-2, -1), lambda _: KSWIN(seed=1)),
)


def scaled(reference, watched):
    """Return both on the scale of the reference."""
    low, high = reference.min(axis=0), reference.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    return (reference - low) / span, (watched - low) / span


def run(both, columns, make):
    """Return the rows at which any column's detector alarms."""
    reference, watched = (one[:, columns] for one in both)
    alarms = set()
    for at in range(watched.shape[1]):
        detector = make(watched.shape[1])
        for value in reference[:, at].tolist():
            detector.update(value)
        for row, value in enumerate(watched[:, at].tolist()):
            detector.update(value)
            if detector.drift_detected:
                alarms.add(row)
    return sorted(alarms)


if __name__ == "__main__":
    main()
