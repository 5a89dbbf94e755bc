"""Learning from mails as `andon init` writes it: commands in separate processes."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mail_corpus import ListMail

NAME = "mails"
"""The name of the project, its automation and its model."""

TARGET = 0.05
"""The error of the automatic part that the line promises."""


def write_project(folder: Path, mails: Sequence[ListMail], *, later: str | None = None) -> Path:
    """Write a project by `andon init --from` and train it by its own train.py; return its folder.

    `later` is a class that people may choose, though the model is not trained for it.
    """
    folder.mkdir()
    project = folder / NAME
    write_mails(folder / "mails.csv", mails)
    andon = str(Path(sys.executable).with_name("andon"))
    _run([andon, "init", NAME, "--from", "mails.csv", "--target", "team", "--time", "sent_at"], folder)
    _change(project / "automation.py", (r"MaxError\([\d.]+", f"MaxError({TARGET}"))
    if later is not None:
        _allow(project, later)
    _run([sys.executable, "train.py"], project)
    return project


def write_training(project: Path, mails: Sequence[ListMail], new: str, held_out: float) -> None:
    """Have train.py learn a new class from these mails, and measure on the newest ones, a share of `held_out`."""
    write_mails(project.parent / "mails.csv", mails)
    _change(
        project / "train.py",
        (r"CLASSES = \(", f'CLASSES = ("{new}", '),
        (r"HELD_OUT = [\d.]+", f"HELD_OUT = {held_out:.4f}"),
    )


def write_mails(file: Path, mails: Sequence[ListMail]) -> None:
    """Write mails with their teams as a file of a table."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(("sent_at", "subject", "text", "team"))
        for mail in mails:
            writer.writerow((*asked(mail).values(), mail.team))


def asked(mail: ListMail) -> dict[str, str]:
    """Return a mail as a request to the line."""
    return {"sent_at": mail.at.isoformat(), "subject": mail.subject, "text": mail.text.replace("\0", "")}


def _allow(project: Path, name: str) -> None:
    """Let people choose a class, and let the policy follow a later model that knows it."""
    _change(
        project / "automation.py",
        (
            r"\n        \}\n    \),",
            f'\n            "{name}": "{name}",\n        }},\n        untrained=["{name}"],\n    ),',
        ),
    )
    rule = f"  - {{id: {name}, when: 'risk.certain && prediction.label == \"{name}\"', then: {name}}}\n\n"
    _change(
        project / "policies" / f"{NAME}.yaml",
        (r"outcomes: \[", f"outcomes: [{name}, "),
        (r"  - id: unsure", f"{rule}  - id: unsure"),
    )


def _change(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for before, after in changes:
        text, count = re.subn(before, lambda _, new=after: new, text)  # type: ignore[misc]
        if count != 1:
            raise RuntimeError(f"{file.name} as init writes it has changed: {before} occurs {count} times in it")
    file.write_text(text, encoding="utf-8")


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:3])} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}"
        )
