"""What the demo makes of the example, and what it leaves alone."""

from pathlib import Path

import pytest

from andon.decisions import load_file
from andon_demo import project
from andon_demo.brokers import Broker
from andon_demo.intakes import Intake
from andon_demo.intakes.kafka import KafkaIntake
from andon_demo.intakes.nats import NatsIntake
from andon_demo.intakes.table import TableIntake
from andon_demo.line import LineFailed

NOWHERE = Broker([], 4222, Path("log"))
INTAKES: dict[str, Intake] = {
    "table": TableIntake(),
    "nats": NatsIntake(NOWHERE),
    "kafka": KafkaIntake(NOWHERE),
}


@pytest.fixture
def folder(example: Path, tmp_path: Path) -> Path:
    """Return the example's own files, of which the demo changes one."""
    for file in ("automation.py", "contract.py", "procedures.py"):
        (tmp_path / file).write_bytes((example / file).read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", INTAKES)
def test_the_example_gets_a_stream_and_a_twin_from_which_nothing_follows(name: str, folder: Path) -> None:
    intake, file = INTAKES[name], folder / "automation.py"
    file.write_text(project.with_events(file.read_text(encoding="utf-8"), intake), encoding="utf-8")
    screening, twin = load_file(file)
    assert (screening.name, twin.name) == (project.AUTOMATION, project.TWIN)
    assert [trigger.name for trigger in screening.triggers] == [intake.stream(project.PLACE)]
    assert [trigger.name for trigger in twin.triggers] == [intake.stream(project.TWIN_PLACE)]
    assert screening.actions
    assert not twin.actions
    assert (twin.features, twin.model, twin.risk) == (screening.features, screening.model, screening.risk)


def test_an_example_that_has_changed_is_said_to_have() -> None:
    with pytest.raises(LineFailed, match="The example has changed"):
        project.with_events("screening = None\n", INTAKES["table"])


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(LineFailed, match=r"thesis\.txt, which does not belong to a demo"):
        project.remove(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
