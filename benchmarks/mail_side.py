"""Learning from mails as `andon init` writes it, and asking the learnt model: commands and processes of their own."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from andon.datafile import read_rows
from andon.models import manifest
from benchmarks.mail_corpus import ListMail

NAME = "mails"
"""The name of the project."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """A trained project."""

    folder: Path

    @property
    def evidence(self) -> manifest.RiskEvidence:
        """The held-out evidence of its model, which its gate begins with."""
        text = (self.folder / "package" / "manifest.json").read_text(encoding="utf-8")
        return manifest.parse(text, source="manifest.json").risk


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to mails: how confident each is, and whether it is wrong."""

    confidence: NDArray[np.float64]
    wrong: NDArray[np.bool_]


def learn(folder: Path, mails: Sequence[ListMail], *, by_time: bool = True) -> Learnt:
    """Write a project by `andon init --from` and train it by its own train.py.

    Without `by_time` the rows that it is measured on are drawn by chance: of a class that is new all are among the
    newest.
    """
    folder.mkdir()
    _write(folder / "mails.csv", mails)
    andon = str(Path(sys.executable).with_name("andon"))
    ordered = ["--time", "sent_at"] if by_time else []
    _run([andon, "init", NAME, "--from", "mails.csv", "--target", "team", *ordered], folder)
    _run([sys.executable, "train.py"], folder / NAME)
    return Learnt(folder / NAME)


def ask(learnt: Learnt, mails: Sequence[ListMail]) -> Answers:
    """Have the project's own line, in memory, decide mails."""
    asked = learnt.folder / "asked.csv"
    _write(asked, mails)
    given = json.loads(
        _run(
            [
                sys.executable,
                "-m",
                __name__ if __name__ != "__main__" else "benchmarks.mail_side",
                str(learnt.folder),
                str(asked),
            ],
            Path(__file__).parents[1],
        ).splitlines()[-1]
    )
    predicted = np.array(given["predicted"])
    return Answers(np.array(given["confidence"]), predicted != np.array([mail.team for mail in mails]))


def _write(file: Path, mails: Sequence[ListMail]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(("sent_at", "subject", "text", "team"))
        for mail in mails:
            writer.writerow((mail.at.isoformat(), mail.subject, mail.text.replace("\0", ""), mail.team))


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:3])} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
        )
    return done.stdout


def main() -> None:
    """Decide the rows of a file by a project; print confidences and predicted classes."""
    from andon.decisions import load_file
    from benchmarks.onboarding_side import decided_rows

    folder, file = map(Path, sys.argv[1:])
    sys.path.insert(0, str(folder))
    (automation,) = load_file(folder / "automation.py")
    import train

    rows = [{name: value for name, value in row.items() if name != "team"} for row in read_rows(file)]
    decisions, refused, example = decided_rows(automation, train, folder / "package", rows)
    if refused:
        raise SystemExit(f"{refused} mails were refused, as {example}")
    predictions = [one.prediction for one in decisions if one is not None and one.prediction is not None]
    print(
        json.dumps(
            {"confidence": [one.confidence for one in predictions], "predicted": [one.label for one in predictions]}
        )
    )


if __name__ == "__main__":
    main()
