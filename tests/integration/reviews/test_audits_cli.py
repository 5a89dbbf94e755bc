"""`andon audits` and blind reviews at the command line: what the line decided shows only after the verdict."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import Result
from tests.auditing import audited, opened
from typer.testing import CliRunner

from andon import BlindAudit, labels
from andon.cli import app
from andon.kernel.db import Database
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation, install


@pytest.fixture
def installation(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANDON_DATABASE_URL", database.url)
    return install(database, tmp_path, audited(BlindAudit(0.999_999, least=0.01, queue="audits", most=1.0)))


def andon(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "220"})
    assert result.exit_code == status, result.output
    return result


def test_a_blind_audit_from_the_queue_to_the_disagreement(installation: Installation) -> None:
    answer = call(installation, "POST", DECIDE, installation.key("bank", CALLER), json=payment()).json()
    assert (answer["outcome"], opened(installation)) == ("release", 1)
    [listed] = json.loads(andon("reviews", "list", "--blind", "--json").stdout)
    review = listed["id"]
    assert "blind audit: which class is true?" in " ".join(andon("reviews", "list").output.split())
    shown = andon("reviews", "show", review).output
    assert "round_amount" in shown
    assert not any(word in shown for word in ("release", "score", "confidence", answer["model"]["digest"]))
    andon("reviews", "claim", review)
    andon("reviews", "verdict", review, "--outcome", "fraud", "--reason", "not ordered")
    decided = " ".join(andon("reviews", "list", "--blind", "--state", "decided").output.split())
    assert "payments: 0 audits agreed with the line, 1 did not" in decided
    assert "the line said ok" in decided
    assert json.loads(andon("reviews", "show", review, "--json").stdout)["decision"]["outcome"] == "release"
    known = json.loads(andon("audits", "show", "payments", "--json").stdout)
    assert (known["waiting"], known["agreed"], known["disagreed"]) == (0, 0, 1)
    with installation.database.begin() as tx:
        (label,) = labels.of_decision(tx, UUID(answer["id"]))
    assert (label.value, label.probability) == ("fraud", 0.999_999)


def test_the_share_is_changed_with_a_reason_and_within_its_bounds(installation: Installation) -> None:
    assert "from 1.00% to 100.00%" in andon("audits", "show", "payments").output
    why = ("--reason", "quiet weeks")
    assert "5.00%" in andon("audits", "set", "payments", "--share", "0.05", *why).output
    assert (
        "Expected a share from 0.01 to 1"
        in andon("audits", "set", "payments", "--share", "0.001", *why, status=2).output
    )
    shown = andon("audits", "show", "payments").output
    assert ("5.00% of the automatic decisions" in shown, "quiet weeks" in shown) == (True, True)
    installation.deployment.refresh_controls()
    assert installation.deployment.controls.of("payments").audit_share == 0.05
    assert "No automation 'other'" in andon("audits", "show", "other", status=4).output
