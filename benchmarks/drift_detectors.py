"""The detectors that `script/bench drift` compares on episodes: Andon's here, the others each in an environment."""

import json
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from andon.statistics.drift_watch import DriftWatch
from andon.statistics.histograms import Histograms, measured, reference_of
from andon.statistics.rhythms import DAY
from benchmarks.drift_streams import Episode
from benchmarks.environments import python_of
from benchmarks.peers import FOLDER

A_DAY = 1000
"""The rows of a day: an episode is so short that its rhythm is never known, and each finding is provisional."""

MINUTES = 20


class DetectorFailed(Exception):
    """A peer's detector failed; the message holds the end of its output."""


@dataclass(frozen=True, slots=True)
class DetectorPeer:
    """A detector of another library: its environment, and how its variants begin."""

    name: str
    folder: str


PEERS = (
    DetectorPeer("KSWIN", "river"),
    DetectorPeer("ADWIN", "river"),
    DetectorPeer("STEPD", "evidently"),
    DetectorPeer("Evidently", "evidently"),
)


def python(folder: str) -> Path:
    """Build or find the Python of a peer's environment. Raises EnvironmentFailed."""
    return python_of(folder, FOLDER / folder / "requirements.lock")


def andon(episode: Episode) -> list[int]:
    """Watch an episode as a line's features, scores and errors are watched; list the rows of the alarms."""
    known = reference(episode)
    cells = known.binning.cells(episode.watched)
    found = DriftWatch(known).observe(cells, np.arange(len(cells), dtype=np.float64) * (DAY / A_DAY))
    return sorted(one.decision for one in found)


def reference(episode: Episode) -> Histograms:
    """Measure the reference: features of all earlier rows, score and error of those held out from training."""
    both = np.concatenate((episode.training, episode.reference))
    features = [measured(str(at), both[:, at]) for at in range(both.shape[1] - 2)]
    held_out = [measured(name, episode.reference[:, at]) for name, at in (("score", -2), ("error", -1))]
    return reference_of([*features, *held_out])


def write(episodes: Sequence[Episode], file: Path) -> None:
    """Write episodes for the peers."""
    arrays: dict[str, Any] = {}
    for at, one in enumerate(episodes):
        arrays |= {f"t{at}": one.training, f"r{at}": one.reference, f"w{at}": one.watched}
    np.savez(file, **arrays)


def peers(file: Path, scratch: Path) -> dict[str, list[list[int]]]:
    """Run all peers over the written episodes, two at a time; return the alarms of each variant."""
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda peer: _run(peer, file, scratch / f"{peer.name}.json"), PEERS)
    return {name: alarms for one in found for name, alarms in one.items()}


def _run(peer: DetectorPeer, file: Path, out: Path) -> dict[str, list[list[int]]]:
    call((str(python(peer.folder)), str(FOLDER / peer.folder / "detect.py"), str(file), str(out), peer.name))
    loaded: dict[str, list[list[int]]] = json.loads(out.read_text(encoding="utf-8"))
    return loaded


def call(command: Sequence[str]) -> None:
    """Run a peer's script to its end, without variables that mislead its Python. Raises DetectorFailed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60 * MINUTES, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DetectorFailed(f"{command[1]} did not end within {MINUTES} minutes") from error
    if done.returncode != 0:
        raise DetectorFailed(f"{command[1]} failed: {done.stderr.strip()[-600:]}")
