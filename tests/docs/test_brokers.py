"""The pages about brokers: their settings load, their declarations are valid, and what they name exists."""

import re
from pathlib import Path

import pytest

import andon
from andon.authoring import kafka_topic, nats_subject
from andon.bootstrap.measures import Measures
from andon.connectors.kafka import KIND as KAFKA
from andon.connectors.nats import KIND as NATS
from andon.kernel import config

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
NAMES = ("decide-from-kafka.md", "decide-from-nats.md", "publish-decisions.md")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("page", NAMES)
def test_the_settings_on_the_pages_load(page: str, tmp_path: Path) -> None:
    for block in blocks(page, "toml"):
        (tmp_path / "andon.toml").write_text(block, encoding="utf-8")
        assert config.load(tmp_path, {}).connections


@pytest.mark.parametrize("page", NAMES)
def test_the_code_on_the_pages_names_what_there_is(page: str) -> None:
    for block in blocks(page, "python"):
        compile(block, page, "exec")
        for line in re.findall(r"from andon import (.*)", block):
            assert all(hasattr(andon, name.strip()) for name in line.split(","))


def test_the_actions_on_the_page_are_what_the_connectors_take() -> None:
    KAFKA.options.model_validate(dict(kafka_topic("risk-log", "decisions", key="account_id").options))
    NATS.options.model_validate(dict(nats_subject("alerts", "alerts.released").options))


@pytest.mark.parametrize("page", NAMES)
def test_the_metrics_on_the_pages_exist(page: str) -> None:
    known = {metric.name for metric in Measures().metrics.registry.collect()}
    text = (PAGES / page).read_text(encoding="utf-8")
    counters = set(re.findall(r"`(andon_stream_lost)_total`", text))
    assert counters <= known
