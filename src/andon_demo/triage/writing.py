"""The project of the mail story: the example, with the servers that the demo started."""

import os
from pathlib import Path

from andon_demo.line import Line
from andon_demo.project import remove

NAME = AUTOMATION = "mail-triage"


def write(parent: Path, imap_port: int, smtp_port: int, cards: str) -> Path:
    """Write a new project; return its folder. `cards` is the address of the card system."""
    remove(parent)
    parent.mkdir()
    Line(parent).command("init", NAME, "--example", "mail-triage")
    folder = parent / NAME
    settings = folder / "andon.toml"
    text = settings.read_text(encoding="utf-8")
    for before, after in (("8143", str(imap_port)), ("8025", str(smtp_port)), ("http://127.0.0.1:8030", cards)):
        text = text.replace(before, after)
    patient = "[destinations.cards.browser]\nstep_seconds = 20\n"
    if os.geteuid() == 0:  # Chromium's own sandbox does not start for root
        patient += "sandbox = false\n"
    text = text.replace("[destinations.cards.browser]\n", patient)
    settings.write_text(text, encoding="utf-8")
    return folder
