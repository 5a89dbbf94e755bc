"""The page "Audit decisions blindly" names commands, routes, parameters, metrics and events that exist."""

import re
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest
from typer.testing import CliRunner

from andon import Automation, BlindAudit, bootstrap, reviews
from andon.cli import app
from andon.gateway import audits

PAGE = (Path(__file__).parents[2] / "docs/how-to/audit-blindly.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^andon .*$", PAGE, re.MULTILINE))
def test_every_command_and_option_exists(line: str) -> None:
    _, noun, verb, *rest = line.split()
    help_text = CliRunner().invoke(app, [noun, verb, "--help"], env={"COLUMNS": "200"})
    assert help_text.exit_code == 0
    for option in [word for word in rest if word.startswith("--")]:
        assert option in help_text.output


def test_the_declaration_is_one_that_can_be_made() -> None:
    (declared,) = re.findall(r"audit=BlindAudit\((.*)\)\)", PAGE)
    named = set(re.findall(r"(\w+)=", declared.replace("days=", "")))
    assert named | {"share"} == {field.name for field in fields(BlindAudit)}
    assert "audit" in signature(Automation.__init__).parameters


def test_the_route_the_metric_and_the_event_exist() -> None:
    assert {route.path for route in audits.router.routes} == {"/v1/automations/{name}/audit-share"}  # type: ignore[attr-defined]
    assert "`GET` and `POST /v1/automations/{name}/audit-share`" in PAGE
    assert f"`{reviews.BlindAuditDecided.type}`" in PAGE
    (metric,) = re.findall(r"`(andon_\w+_total)`", PAGE)
    assert metric in (Path(bootstrap.__path__[0]) / "audits.py").read_text(encoding="utf-8")
