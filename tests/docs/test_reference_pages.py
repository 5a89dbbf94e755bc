"""The reference comes from the code: its pages are what `script/reference` writes, and everything is explained."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase
from script.pages import BEGIN, FOLDER, PAGES, api, cli, errors, metrics, permissions, renewed
from tests.calls import DECIDE, call

from andon.access import Grant, Role
from andon.bootstrap.measures import Measures
from andon.bootstrap.telling import EXIT_CODES
from andon.cli import COMMANDS
from andon.decisions import Shown, shown
from andon.kernel import config
from andon.kernel.db import Database
from andon.kernel.tallies import BatchCounter, BatchHistogram
from lines import install

SOURCE = Path(__file__).parents[2] / "src" / "andon"


def intro(page: str) -> str:
    """Return the hand-written top of a page."""
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8").partition(BEGIN)[0]


def trees(*left_out: str) -> Iterator[ast.AST]:
    """Yield the source of Andon, without these files."""
    for file in SOURCE.rglob("*.py"):
        if str(file.relative_to(SOURCE)) not in left_out:
            yield ast.parse(file.read_text(encoding="utf-8"))


def attributes_read(*left_out: str) -> set[str]:
    return {node.attr for tree in trees(*left_out) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_says_what_the_code_says(page: str) -> None:
    assert (FOLDER / f"{page}.md").read_text(encoding="utf-8") == renewed(page), "run script/reference"


def test_every_command_is_on_the_page() -> None:
    documented = {context.command_path.split()[1] for context in cli.commands() if context.parent is not None}
    assert documented == set(COMMANDS)


def test_every_command_argument_and_option_says_what_it_is_for() -> None:
    silent = [
        f"{context.command_path} {parameter.name}"
        for context in cli.commands()
        for parameter in context.command.params
        if not parameter.help
    ]
    assert silent + [context.command_path for context in cli.commands() if not context.command.help] == []


def test_every_status_a_command_can_end_with_is_explained() -> None:
    explained = {int(status) for status in re.findall(r"^\| (\d) \|", intro("cli"), re.MULTILINE)}
    assert explained == {0, 1, *(status for _, status in EXIT_CODES)}


def test_every_setting_is_read_by_something() -> None:
    read = attributes_read("kernel/config.py")
    assert [variable for variable, (_, name) in config.names().items() if name not in read] == []


def test_the_example_of_settings_can_be_loaded(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", intro("settings"), re.DOTALL)
    (tmp_path / config.FILE_NAME).write_text(example, encoding="utf-8")
    assert config.load(tmp_path, {"ANDON_GATEWAY_PORT": "9001"}).gateway.port == 9001


def test_every_error_is_raised_by_something() -> None:
    called = {
        ast.unparse(node.func).rpartition(".")[2] for t in trees() for node in ast.walk(t) if isinstance(node, ast.Call)
    }
    raised = {
        ast.unparse(node.exc) for t in trees() for node in ast.walk(t) if isinstance(node, ast.Raise) and node.exc
    }
    every = [error.__name__ for kind, _ in EXIT_CODES for error in errors.every_error(kind)]
    assert [name for name in every if name not in called | raised] == []


def test_every_metric_is_moved_by_something() -> None:
    measures = {name: one for name, one in vars(Measures()).items() if name != "metrics"}
    declared = {
        name
        for one in measures.values()
        for name, metric in vars(one).items()
        if isinstance(metric, MetricWrapperBase | BatchCounter | BatchHistogram)
    }
    assert len(declared) > 20
    assert (declared | set(measures)) - attributes_read("bootstrap/measures.py") == set()


def test_the_queries_ask_for_metrics_that_there_are() -> None:
    asked = {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"andon_\w+", intro("metrics"))}
    assert asked <= set(re.findall(r"andon_\w+", metrics.body()))


def test_gauges_are_found_where_they_are_added() -> None:
    assert "andon_in_flight" in metrics.body()


def test_every_route_but_health_and_calls_back_asks_for_a_permission() -> None:
    open_to_all = {path for (_, path), endpoint in api.endpoints().items() if not permissions.needed(endpoint)}
    signed = "/v1/actions/{action_id}/callback"  # a robot has no key: its address is signed, and good for one action
    assert open_to_all == {"/livez", "/readyz", "/startupz", "/openapi.json", "/docs", "/docs/{name}", signed}


def test_the_record_of_a_decision_has_the_fields_that_are_documented(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path)
    key = installation.key("operator", Grant(Role.OPERATOR))
    asked = {"payment_id": "p", "account": "a", "amount": 5.0}
    answered = call(installation, "POST", DECIDE, key, json=asked).json()
    record = call(installation, "GET", f"/v1/decisions/{answered['id']}", key).json()

    page = intro("api").partition("## The record of a decision")[2]
    cells = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    beside = {field for cell in cells for field in re.findall(r"`(\w+)`", cell)}
    assert beside | {field.path.partition(".")[0] for field in shown(Shown.WHOLE)} == set(record)
