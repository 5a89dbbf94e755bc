"""The page about mails: its settings are settings, its automation is one, its commands are there."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from andon import Automation
from andon.bootstrap.connecting import Kinds, check_destinations, check_options
from andon.bootstrap.mailboxes import open_folders
from andon.cli import loaded
from andon.kernel import config

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "decide-mails.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return "".join(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL))


def test_the_automation_reaches_the_mailbox_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORT_PASSWORD", "hush")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "triage.yaml").write_text("outcomes: [cards, loans, hours]\nrules: []\notherwise: cards\n")
    (tmp_path / "andon.toml").write_text(block("toml"))
    made: dict[str, Any] = {"__file__": str(tmp_path / "automation.py")}
    exec(compile(block("python"), str(tmp_path / "automation.py"), "exec"), made)
    automation, settings, kinds = made["triage"], config.load(tmp_path), Kinds(tmp_path)
    assert isinstance(automation, Automation)
    assert check_options(automation, kinds, tmp_path) == []
    assert check_destinations(automation, settings, kinds) == []
    open_folders(settings, automation.reported[0])
    [trigger] = automation.triggers
    mail = {"message_id": "m1", "from": {"address": "zoe@c.test"}, "subject": "Card", "text": "Lost", "headers": {}}
    assert trigger.read is not None
    assert made["Request"](**(trigger.read(mail) or {})).sender == "zoe@c.test"
    assert tomllib.loads(block("toml"))["connections"]["support"]["kind"] == "imap"


def test_its_commands_are_there() -> None:
    commands = set(re.findall(r"^andon attachments (\w+)", block("sh"), re.MULTILINE))
    assert commands == set(loaded("attachments").commands)
