"""The pages on configuration and cases show files that can be read, and name every key there is."""

import re
from pathlib import Path

from andon.cases import CaseRunner, DecisionCase, read_cases
from andon.decisions import load_file
from andon.plans import read_folder
from andon.plans.configuration import ManagedAutomation, ManagedConfiguration

ROOT = Path(__file__).parents[2]
HOW_TO, EXAMPLE = ROOT / "docs" / "how-to", ROOT / "examples" / "transfer_screening"
CONFIGURATION = (HOW_TO / "configuration-as-code.md").read_text(encoding="utf-8")
CASES = (HOW_TO / "test-a-policy.md").read_text(encoding="utf-8")


def block(page: str) -> str:
    """Return the YAML that a page shows."""
    (found,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    return str(found)


def named(page: str) -> list[str]:
    """Return the first column of a page's first table."""
    return [name for row in re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]


def test_the_configuration_on_the_page_can_be_read_and_its_table_names_every_key(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(block(CONFIGURATION))
    found = read_folder(tmp_path)
    (automation,) = found.automations.values()
    assert all(value is not None for _, value in automation)
    keys = [*ManagedAutomation.model_fields, *ManagedConfiguration.model_fields]
    assert sorted([*named(CONFIGURATION), "automations"]) == sorted(keys)


def test_the_case_on_the_page_passes_in_the_example_and_its_table_names_every_field(tmp_path: Path) -> None:
    folder = tmp_path / "cases" / "transfer-screening"
    folder.mkdir(parents=True)
    (folder / "page.yaml").write_text(block(CASES))
    (case,) = read_cases(tmp_path, ["transfer-screening"])
    (automation,) = load_file(EXAMPLE / "automation.py")
    assert CaseRunner(automation, None, tested=False).run(case).passed
    assert named(CASES) == list(DecisionCase.model_fields)
