"""The page about monitoring names every alert with its severity, and only files, settings and series that exist."""

import re
from pathlib import Path

import yaml

from andon.bootstrap import spans
from andon.kernel.config import TelemetrySettings
from prometheus import RULES, SHIPPED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "monitor.md").read_text(encoding="utf-8")


def rules() -> list[dict[str, object]]:
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def test_every_alert_is_explained_with_its_severity() -> None:
    documented = set(re.findall(r"^\| `(Andon\w+)` \| (\w+) \|", PAGE, re.MULTILINE))
    assert documented == {(rule["alert"], rule["labels"]["severity"]) for rule in rules() if "alert" in rule}  # type: ignore[index]


def test_the_series_it_asks_for_are_recorded() -> None:
    asked = set(re.findall(r"\w+:andon_\w+:\w+", PAGE))
    assert asked
    assert asked <= {rule["record"] for rule in rules() if "record" in rule}


def test_every_shipped_file_is_named() -> None:
    assert {file.name for file in SHIPPED.iterdir()} == set(re.findall(r"`(\w+\.yml)` \|", PAGE))
    assert (ROOT / "deploy" / "grafana" / "andon.json").is_file()


def test_spans_and_settings_are_those_of_the_code() -> None:
    source = Path(spans.__file__).read_text(encoding="utf-8")
    stages = set(re.findall(r"`decide\.(\w+)`", PAGE))
    assert all(f'"{stage}"' in source or f'"decide.{stage}"' in source for stage in stages)
    assert len(stages) == 5
    (setting,) = re.findall(r"^(\w+) = \"http", PAGE, re.MULTILINE)
    assert setting in TelemetrySettings.model_fields
