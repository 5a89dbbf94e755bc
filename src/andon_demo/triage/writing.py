"""The project of the story of the mails: the example, with the servers that the demo has started."""

from pathlib import Path

from andon_demo.line import Line
from andon_demo.project import remove

NAME = AUTOMATION = "mail-triage"


def write(parent: Path, imap_port: int, smtp_port: int) -> Path:
    """Write a new project; return its folder."""
    remove(parent)
    parent.mkdir()
    Line(parent).command("init", NAME, "--example", "mail-triage")
    folder = parent / NAME
    settings = folder / "andon.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("8143", str(imap_port)).replace("8025", str(smtp_port)), encoding="utf-8")
    return folder
