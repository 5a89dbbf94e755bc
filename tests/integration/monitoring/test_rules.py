"""The shipped rules: Prometheus takes them, they do what they say, and each alert is tried."""

from pathlib import Path

import pytest
import yaml

from prometheus import RULES, SHIPPED, promtool

TESTS = Path(__file__).with_name("rules_test.yml")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Return a folder with the shipped files and their tests."""
    for file in SHIPPED.glob("*.yml"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    text = TESTS.read_text(encoding="utf-8").replace("RECORDING, ALERTS", "recording.yml, alerts.yml")
    (tmp_path / TESTS.name).write_text(text, encoding="utf-8")
    return tmp_path


def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_do_what_they_say(rules: Path) -> None:
    done = promtool("test", "rules", str(rules / TESTS.name))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_says_something_else_is_found(rules: Path) -> None:
    alerts = rules / "alerts.yml"
    alerts.write_text(alerts.read_text(encoding="utf-8").replace("> 512", "> 5120"), encoding="utf-8")
    done = promtool("test", "rules", str(rules / TESTS.name))
    assert done.returncode != 0
    assert "AndonQueueDeep" in done.stdout + done.stderr


def test_every_alert_is_tried_and_has_words_for_a_person() -> None:
    alerts = [
        rule
        for file in RULES
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    tried = {
        one["alertname"]
        for test in yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
        for one in test.get("alert_rule_test", ())
        if one["exp_alerts"]
    }
    assert {rule["alert"] for rule in alerts} == tried
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in alerts)
    assert {rule["labels"]["severity"] for rule in alerts} == {"page", "ticket"}


def test_the_example_configuration_is_one(rules: Path) -> None:
    (rules / "andon.key").write_text("andon_key", encoding="utf-8")
    done = promtool("check", "config", str(rules / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
