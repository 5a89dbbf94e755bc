"""The Grafana dashboard is what script/dashboard writes, and it and the rules ask for nothing that there is not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from script import dashboard
from script.pages import metrics

from monitoring import queries
from prometheus import RULES, promtool


def rules() -> Iterator[dict[str, str]]:
    for file in RULES:
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def test_the_file_is_current() -> None:
    assert dashboard.FILE.read_text(encoding="utf-8") == dashboard.written(), "run python -m script.dashboard"


def test_dashboard_and_rules_ask_only_for_metrics_that_there_are() -> None:
    expressions = [*queries(), *(rule["expr"] for rule in rules())]
    bare = [re.sub(r"\w+:andon_\w+:\w+", "", expression) for expression in expressions]
    named = {name for expression in bare for name in re.findall(r"\b(?:andon|process)_\w+", expression)}
    there = set(re.findall(r"`((?:andon|process)_\w+)`", metrics.body()))
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in named} - there == set()
    assert len(named) > 30


def test_every_recorded_series_that_is_asked_for_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    wanted = {name for rule in rules() for name in re.findall(r"\w+:andon_\w+:\w+", rule["expr"])}
    assert wanted - recorded == set()


def test_promtool_can_parse_every_query_of_the_dashboard(tmp_path: Path) -> None:
    as_rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": as_rules}]}), encoding="utf-8")
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(as_rules)} rules found" in done.stdout


def test_no_two_panels_lie_on_each_other() -> None:
    covered: set[tuple[int, int]] = set()
    for panel in dashboard.dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & covered, panel["title"]
        assert at["x"] + at["w"] <= dashboard.COLUMNS
        covered |= cells


@pytest.mark.parametrize("part", ["panels", "templating"])
def test_everything_asks_the_source_that_was_chosen(part: str) -> None:
    text = json.dumps(dashboard.dashboard()[part])
    assert set(re.findall(r'"uid": "([^"]+)"', text)) == {"${source}"}
