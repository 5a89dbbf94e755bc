"""This checkout compared with another commit, for `script/bench serving --against REF`: two lines, loaded in turns.

The other commit is unpacked into the cache of environments with a virtual environment of its own, and both serve the
same model at the same time. A machine that changes from second to second affects both sides of a pair alike, so the
ratios of pairs count: their mean and its standard error.
"""

import json
import math
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from rich.console import Console
from rich.table import Table

from andon.kernel.files import locked
from andon_demo.line import Line
from benchmarks import goals
from benchmarks.environments import cache
from benchmarks.goals import Goal, at_least, none_of
from benchmarks.loadgen import Load, measure
from benchmarks.peers.running import ONE_THREAD

ROOT = Path(__file__).parent.parent
CONNECTIONS = (16, 64)
PAIRS = 20
SECONDS = 1.5
GOAL = 0.95
MODEL = ("model.onnx", "rows.npz")


class CommitUnfit(Exception):
    """The other commit cannot be used; the message holds the reason."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Rates of both sides at one number of connections, pair by pair."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Our rate divided by theirs, pair by pair."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def mean(self) -> float:
        """The mean of the ratios."""
        return statistics.mean(self.ratios)

    @property
    def error(self) -> float | None:
        """The standard error of the mean; None for a single pair."""
        ratios = self.ratios
        return statistics.stdev(ratios) / math.sqrt(len(ratios)) if len(ratios) > 1 else None


def goals_of(compared: Mapping[int, Compared], failed: int) -> list[Goal]:
    """Judge the mean ratio at each number of connections."""
    judged = [at_least(f"throughput at {n} against that commit's", one.mean, GOAL) for n, one in compared.items()]
    return [*judged, none_of("requests that failed", failed)]


def compare(ref: str, bodies: Callable[[Path], list[str]], *, pairs: int, seconds: float, check: bool) -> int:
    """Measure and print; return 1 if `check` and a goal is missed.

    `bodies` trains the model into a folder and returns the requests.
    """
    commit = _commit_of(ref)
    with tempfile.TemporaryDirectory(prefix="andon-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        other = _checkout_of(commit)
        sent = bodies(folder)
        ours = Line(folder / "project", environment=ONE_THREAD)
        theirs = Line(_project_of(other, folder), environment=ONE_THREAD, andon=str(other / ".venv" / "bin" / "andon"))
        with ours, theirs:
            compared, failed = _in_turns(_load(ours, sent), _load(theirs, sent), pairs, seconds)
    judged = goals_of(compared, failed)
    _print(commit, compared, judged, pairs, seconds)
    figures = {str(n): {"ratio": round(c.mean, 4), "error": c.error, "ratios": c.ratios} for n, c in compared.items()}
    print(json.dumps({"benchmark": "serving", "against": commit, "at": figures, **goals.as_json(judged)}))
    return 1 if check and goals.missed(judged) else 0


def _in_turns(ours: Load, theirs: Load, pairs: int, seconds: float) -> tuple[dict[int, Compared], int]:
    rates: dict[int, tuple[list[float], list[float]]] = {n: ([], []) for n in CONNECTIONS}
    failed = 0
    with Console(stderr=True).status("warming up") as status:
        for load in (ours, theirs):
            measure(replace(load, connections=max(CONNECTIONS), seconds=2.0))
        for pair in range(pairs):
            for n in CONNECTIONS:
                status.update(f"pair {pair + 1} of {pairs} at {n} connections")
                sides = (0, 1) if pair % 2 == 0 else (1, 0)
                for side in sides:
                    found = measure(replace((ours, theirs)[side], connections=n, seconds=seconds))
                    rates[n][side].append(found.per_second)
                    failed += found.failed
    return {n: Compared(*both) for n, both in rates.items()}, failed


def _load(line: Line, bodies: list[str]) -> Load:
    line.up()
    headers = {"Authorization": f"Bearer {line.key('bench', 'caller')}"}
    return Load(f"{line.url}/v1/automations/serving/decisions", bodies, 1, 1.0, '"outcome"', headers)


def _project_of(checkout: Path, folder: Path) -> Path:
    """Return the project of that commit, with the model that was trained here."""
    project = folder / "other"
    shutil.copytree(checkout / "benchmarks" / "serving-project", project)
    for name in MODEL:
        shutil.copy(folder / "project" / name, project / name)
    return project


def _commit_of(ref: str) -> str:
    done = _git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if done.returncode != 0:
        raise CommitUnfit(f"There is no commit {ref!r} here")
    return done.stdout.decode().strip()


def _checkout_of(commit: str) -> Path:
    """Return the files of a commit with their environment, made by that commit's own scripts."""
    folder = cache() / "commits" / commit
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{commit}.lock")):
        if not folder.is_dir():
            _unpack(commit, folder)
        command = ["sh", "-c", ". script/_setup.sh && ensure_venv requirements.lock"]
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=1_800, check=False
        )
    if done.returncode != 0:
        raise CommitUnfit(f"The environment of {commit[:12]} cannot be made; see above")
    return folder


def _unpack(commit: str, folder: Path) -> None:
    """Unpack the files of a commit, all or none."""
    archive = _git("archive", commit)
    if archive.returncode != 0:
        raise CommitUnfit(archive.stderr.decode().strip())
    with (
        tempfile.TemporaryDirectory(dir=folder.parent) as draft,
        tarfile.open(fileobj=BytesIO(archive.stdout)) as files,
    ):
        files.extractall(Path(draft, "files"), filter="data")
        Path(draft, "files").rename(folder)


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, timeout=120, check=False)


def _print(commit: str, compared: Mapping[int, Compared], judged: Sequence[Goal], pairs: int, seconds: float) -> None:
    title = f"Against {commit[:12]}: {pairs} pairs of {seconds:g} s"
    table = Table("connections", "a second here", "there", "ratio", "standard error", title=title, title_justify="left")
    for n, one in compared.items():
        rates = (f"{statistics.median(side):,.0f}" for side in (one.ours, one.theirs))
        table.add_row(str(n), *rates, f"{one.mean:.3f}", "" if one.error is None else f"{one.error:.3f}")
    console = Console()
    console.print(table)
    console.print(goals.table_of(judged))
