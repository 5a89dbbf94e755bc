"""What is wrong with a project is named with file and line before it runs: policy, features, model, destinations."""

from pathlib import Path

import pytest

from andon.bootstrap.project import check_project
from andon.kernel.config import DestinationSettings, ProjectSettings, Settings
from andon.kernel.db import Database
from lines import register_champion
from packages import a_package

AUTOMATION = """
from andon import Automation, Policy, Request, Truth, webhook
from automations import POLICY, Payment

payments = Automation(
    "payments",
    contract=Payment,
    model={model!r},
    policy=Policy.yaml(POLICY{policy}),
    features=[{features}],
    truth={truth},
    actions={{"pause": webhook({destination!r})}},
)
"""


def problems(
    folder: Path,
    database: Database,
    *,
    model: str = "fraud-risk",
    policy: str = "",
    features: str = "",
    truth: str = "None",
    destination: str = "bank",
) -> list[str]:
    text = AUTOMATION.format(model=model, policy=policy, features=features, truth=truth, destination=destination)
    (folder / "automation.py").write_text(text, encoding="utf-8")
    settings = Settings(
        project=ProjectSettings(automations=["automation.py"]),
        destinations={"bank": DestinationSettings(url="https://bank.example/hook")},
        root=folder,
    )
    return [f"{problem.where}: {problem.message}" for problem in check_project(settings, database)]


@pytest.fixture
def champion(database: Database, tmp_path: Path) -> Database:
    register_champion(database, a_package(tmp_path / "package"))
    return database


def test_a_sound_project_has_no_problems(champion: Database, tmp_path: Path) -> None:
    assert problems(tmp_path, champion) == []


def test_a_missing_model_is_named_with_what_to_do(champion: Database, tmp_path: Path) -> None:
    (told,) = problems(tmp_path, champion, model="fraud")
    assert told.startswith(f"{tmp_path}/automation.py:5: model 'fraud' has no champion; register one with")


def test_a_feature_that_the_model_does_not_know_is_named(champion: Database, tmp_path: Path) -> None:
    (told,) = problems(tmp_path, champion, features="Request('nihgt', lambda given: True)")
    assert "automation.py:5: feature 'nihgt' is known neither to model fraud-risk version 1 nor to the policy" in told


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ("{'pause': 'scam', 'release': 'ok'}", "truth: model fraud-risk version 1 has no class 'scam' (ok, fraud)"),
        ("{'stop': 'fraud'}", "truth: 'stop' is not an outcome of the policy (release, pause, review)"),
    ],
)
def test_a_truth_of_a_class_or_an_outcome_that_does_not_exist_is_named(
    champion: Database, tmp_path: Path, truth: str, message: str
) -> None:
    assert problems(tmp_path, champion, truth=f"Truth({truth})") == [f"{tmp_path}/automation.py:5: {message}"]


def test_a_class_that_no_model_was_trained_for_may_be_declared(champion: Database, tmp_path: Path) -> None:
    truth = "Truth({'pause': 'scam', 'release': 'ok'}, untrained=['scam'])"
    assert problems(tmp_path, champion, truth=truth) == []


def test_a_feature_that_only_the_policy_reads_is_welcome(champion: Database, tmp_path: Path) -> None:
    policy = ".replace('prediction.score >= 0.8', 'features.night == true')"
    assert problems(tmp_path, champion, features="Request('night', lambda given: True)", policy=policy) == []


def test_a_typo_in_a_condition_and_a_destination_without_settings_are_both_named(
    champion: Database, tmp_path: Path
) -> None:
    told = problems(tmp_path, champion, policy=".replace('input.country', 'input.cuntry')", destination="bnak")
    assert len(told) == 2
    assert "input.cuntry" in told[0]
    assert "[destinations.bnak]" in told[1]
