"""The pages about agents: their code runs, their policy decides as they say, their commands exist."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from andon import AgentSpec, Toolbox, testing
from andon.authoring import ProcedureSpec
from andon.cli import app
from andon.kernel import config

DOCS = Path(__file__).parents[2] / "docs/how-to"
TOOLS, AGENT, LANGCHAIN = (
    (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for name in ("govern-an-agents-tools", "write-an-agent", "guard-a-langchain-agent")
)


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def run(page: str, folder: Path) -> dict[str, Any]:
    """Run the page's code as a file beside its policy."""
    (folder / "policies").mkdir()
    (folder / "policies/bank_tools.yaml").write_text(blocks(TOOLS, "yaml")[0])
    file = folder / "automation.py"
    file.write_text("\n".join(blocks(page, "python")))
    namespace: dict[str, Any] = {"__name__": "page", "__file__": str(file)}
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    return namespace


def test_the_toolbox_decides_as_the_page_says(tmp_path: Path) -> None:
    box = run(TOOLS, tmp_path)["bank"]
    assert isinstance(box, Toolbox)
    calls = [
        ("balance", {"account": "a1"}),
        ("refund", {"account": "a1", "amount": 20}),
        ("refund", {"account": "a1", "amount": 900}),
        ("refund", {"account": "a1", "amount": -5}),
        ("notify", {"text": "hello"}),
    ]
    rows = [{"tool": tool, "arguments": arguments, "agent": "drafter"} for tool, arguments in calls]
    assert [made.outcome for made in testing.decide(box, rows)] == ["allow", "allow", "review", "deny", "deny"]


def test_the_agent_and_its_procedure_are_declared(tmp_path: Path) -> None:
    page = run(AGENT, tmp_path)
    assert isinstance(page["drafter"], AgentSpec)
    assert isinstance(page["answer_mail"], ProcedureSpec)
    assert page["drafter"].prompt({"text": "Hi"}) == "The customer wrote:\n\nHi"


def test_the_language_model_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "andon.toml").write_text(blocks(AGENT, "toml")[0])
    assert config.load(tmp_path, {}).language_models["support"].key_env == "SUPPORT_LLM_KEY"


def test_the_guard_is_made_of_three_lines(tmp_path: Path) -> None:
    pytest.importorskip("langchain")
    assert {"guarded", "guarded_node", "tools_of"} <= run(LANGCHAIN, tmp_path).keys()


COMMANDS = [line for page in (TOOLS, AGENT) for text in blocks(page, "sh") for line in text.splitlines()]


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("andon ")])
def test_each_command_exists_with_its_options(line: str) -> None:
    words = line.split()[1:]
    path = [word for word in words[:2] if re.fullmatch("[a-z]+", word)]
    told = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0
    for option in [word for word in words if word.startswith("--")]:
        assert option in told.stdout
