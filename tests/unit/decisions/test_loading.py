"""What is wrong with an automation is named with file and line, before anything runs."""

import sys
from pathlib import Path

import pytest

from andon.decisions import AutomationInvalid, compile_policy, load_file
from andon.kernel.errors import Invalid
from andon.policies import PolicyInvalid

CONTRACT = """
from pydantic import BaseModel

class Payment(BaseModel):
    account: str
    amount: float
"""

AUTOMATION = """
from andon import Automation, Policy, Window, webhook
from contract import Payment

line = Automation(
    "payments",
    contract=Payment,
    model="fraud-risk",
    policy=Policy.file("policy.yaml"),
    {more}
)
"""

POLICY = """outcomes: [release, review]
rules:
  - id: safe
    when: '{when}'
    then: {then}
otherwise: review
"""


def a_project(
    folder: Path,
    *,
    more: str = "",
    when: str = "prediction.score < 0.1",
    then: str = "release",
    automation: str = AUTOMATION,
) -> Path:
    (folder / "contract.py").write_text(CONTRACT, encoding="utf-8")
    (folder / "automation.py").write_text(automation.replace("{more}", more), encoding="utf-8")
    (folder / "policy.yaml").write_text(POLICY.format(when=when, then=then), encoding="utf-8")
    return folder / "automation.py"


def test_what_is_installed_inside_a_project_stays_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / ".venv" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "andon_test_installed.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(installed))
    load_file(a_project(tmp_path, automation="import andon_test_installed\n" + AUTOMATION))
    assert sys.modules.pop("andon_test_installed")


def test_a_project_is_loaded_with_its_neighbours_and_leaves_no_trace(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        folder.mkdir()
    a_project(second)
    (second / "contract.py").write_text(CONTRACT.replace("amount", "total"), encoding="utf-8")
    (one,) = load_file(a_project(first))
    (two,) = load_file(second / "automation.py")
    assert (set(one.contract.model_fields), set(two.contract.model_fields)) == (
        {"account", "amount"},
        {"account", "total"},
    )


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"more": "subject='nobody'"}, "automation.py:5", "subject 'nobody' is not a field"),
        ({"more": "features=[Window('total', by='account', over=('1h',))]"}, "automation.py:5", "Window needs 'total'"),
        ({"more": "features=[Window('amount', by='account', over=('soon',))]"}, "automation.py:10", "such as '10m'"),
        ({"more": "budget=5"}, "automation.py:5", r"budget must be a Budget, got 5"),
        ({"more": "fallback='rules'"}, "automation.py:5", r"fallback must be a list or tuple .* got 'rules'"),
        (
            {"more": "fallback=(1,)"},
            "automation.py:5",
            r"a fallback must be 'rules', 'review' or the alias of a version, got 1",
        ),
        ({"automation": "import nothing_like_that\n"}, "automation.py:1", "nothing_like_that"),
        ({"automation": "x = (\n"}, "automation.py:1", "syntax error"),
        ({"automation": "x = 1\n"}, "automation.py", "declares no automation"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_named_by_its_line(
    tmp_path: Path, change: dict[str, str], place: str, words: str
) -> None:
    with pytest.raises(AutomationInvalid, match=words) as caught:
        load_file(a_project(tmp_path, **change))
    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"when": "input.amuont < 1.0"}, "policy.yaml:4", "input.amount"),
        ({"when": "prediction.score <"}, "policy.yaml:4", ""),
        ({"when": 'input.amount == "much"'}, "policy.yaml:4", ""),
        ({"then": "relaese"}, "policy.yaml:5", "release"),
    ],
)
def test_a_policy_that_cannot_work_is_named_by_its_line(
    tmp_path: Path, change: dict[str, str], place: str, words: str
) -> None:
    (automation,) = load_file(a_project(tmp_path, **change))
    with pytest.raises(PolicyInvalid) as caught:
        compile_policy(automation)
    told = " ".join(f"{fault.where}: {fault.message}" for fault in caught.value.faults)
    assert place in told
    assert words in told


def test_an_action_for_an_outcome_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (automation,) = load_file(a_project(tmp_path, more="actions={'stop': webhook('bank')}"))
    with pytest.raises(AutomationInvalid, match="action 'stop' is for an outcome") as caught:
        compile_policy(automation)
    assert "automation.py:5" in str(caught.value)


def test_a_policy_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = a_project(tmp_path)
    (tmp_path / "policy.yaml").unlink()
    (automation,) = load_file(file)
    with pytest.raises(Invalid, match=r"policy\.yaml.*cannot be read"):
        compile_policy(automation)
