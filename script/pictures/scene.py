"""The installation in the pictures: the first acts of the demo's rollout story, with something on every page.

The project is the story's, with procedures and a folder of files as a further source of transfers.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from andon_demo import project
from andon_demo.bank.line import BankLine, bank_line
from andon_demo.line import Line
from andon_demo.playing import play_in_traffic
from andon_demo.rollout.acts import ACTS, BAD, PLANNED, RolloutStory
from andon_demo.stage import Stage

DROP, APPLIED = "drop", "applied"
SHOWN = ACTS[:3]
"""A model decides, a worse one is registered, rolled out and rolled back."""

MEASURES = "    measures=["
ADDED = f"""    actions={{"pause": run_procedure(pause_transfer)}},
    procedures=[pause_transfer],
    trigger=files("{DROP}", pattern="*.ndjson", known_by="transfer_id"),
"""
CONFIGURATION = f"""automations:
  {project.AUTOMATION}:
    audit_share: 0.1
"""


@contextmanager
def shown_line(stage: Stage) -> Iterator[tuple[str, str]]:
    """Play the story; yield the console's address and a key that sees everything. Raises LineFailed."""
    with bank_line(stage, write_project, PLANNED) as bank:
        asyncio.run(play_in_traffic(RolloutStory(bank.traffic, bank.people, line=bank.line, api=bank.api), SHOWN))
        _fill(bank)
        yield f"http://127.0.0.1:{bank.line.console}", bank.line.key("pictures", "admin")


def write_project(parent: Path) -> Path:
    """Write the project of the story with what it leaves out: procedures, and files as events."""
    folder = project.write_rollout(parent)
    automation = folder / "automation.py"
    text = automation.read_text(encoding="utf-8").replace(MEASURES, ADDED + MEASURES, 1)
    automation.write_text(text.replace("from andon import (", "from andon import (\n    files,", 1), encoding="utf-8")
    (folder / DROP).mkdir()
    (folder / APPLIED).mkdir()
    (folder / APPLIED / "andon-config.yaml").write_text(CONFIGURATION, encoding="utf-8")
    return folder


def _fill(bank: BankLine) -> None:
    """Add an event that cannot be decided, an applied configuration, an experiment, an incident and a drill's alert."""
    line, name = bank.line, project.AUTOMATION
    dropped = line.folder / DROP / ".rows.ndjson"
    dropped.write_text(json.dumps({"transfer_id": "t-1", "amount": "much"}) + "\n", encoding="utf-8")
    dropped.rename(line.folder / DROP / "rows.ndjson")
    line.command("apply", APPLIED, "--reason", "as reviewed", "--yes")
    chosen = ("--arm", str(BAD), "--measure", "overrides", "--better", "lower")
    line.command("experiment", "start", name, *chosen, "--reason", "which asks less often?")
    line.command("incidents", "open", name, "--title", "customers ask about paused transfers")
    line.command("drills", "run", name, "--reason", "before the holidays")
    _wait_for_dead_event(line)


def _wait_for_dead_event(line: Line) -> None:
    """Wait until the event that cannot be decided is kept."""
    line.wait_until("an event was dead", lambda: "t-1" in line.command("streams", "dead", "list", "--json"), timeout=60)
