"""Clients and robots of the vendors talk to the same control rooms as Andon, and agree with it on what they mean."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.robots import RobotStage, asked, at_orchestrator

import foreign
from andon.actions import Answer, AnswerKind, Delivery, Destination
from andon.connectors.robocorp import RobocorpConnector, RobocorpSettings
from andon.connectors.uipath import UipathConnector
from andon.kernel.clock import SystemClock
from control_rooms import Robocorp
from orchestrator import Orchestrator

UV = """#!/bin/sh
# In place of uv, which would fetch what is installed already.
if [ "$1" = run ]; then shift; exec {bin}/"$@"; fi
"""


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    with Orchestrator("andon", SECRET_TEXT) as orchestrator:
        yield orchestrator


@pytest.fixture
def uipath(orchestrator: Orchestrator) -> RobotStage:
    return at_orchestrator(orchestrator)


def delivered(connector: Any, delivery: Delivery) -> Answer:
    [answer] = ConnectorContract().deliver(connector, delivery)
    return answer


def surroundings(orchestrator: Orchestrator, home: Path) -> dict[str, str]:
    """Return the environment of UiPath's programs: who they are and where Orchestrator is."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "UIPATH_URL": f"{orchestrator.url}/bank/test",
        "UIPATH_ACCESS_TOKEN": orchestrator.token,
        "UIPATH_FOLDER_PATH": "Shared/Payments",
        "UIPATH_TENANT_ID": "test",
        "UIPATH_ORGANIZATION_ID": "bank",
        "UIPATH_ROBOT_USERNAME": "robot",
        "UIPATH_TELEMETRY_ENABLED": "false",
        "UIPATH_JOB_KEY": "",
    }


def test_uipaths_client_works_on_our_item_and_knows_its_reference(
    orchestrator: Orchestrator, uipath: RobotStage, tmp_path: Path
) -> None:
    connector = UipathConnector(SystemClock())
    options = {"queue": "PauseTransfer", "content": {"card": "{input.name}"}}
    delivery = a_delivery(uipath.destination(), options=options, data={"input": {"name": "4111"}})
    assert delivered(connector, delivery).kind is AnswerKind.WAITING
    seen = foreign.robot(
        "uipath_client.py", "PauseTransfer", str(delivery.key), environment=surroundings(orchestrator, tmp_path)
    )
    assert seen == {"added again": [409, 1016], "worked on": [str(delivery.key), {"card": "4111"}]}
    [ended] = asked(connector, delivery)
    assert ended.kind is AnswerKind.DELIVERED
    assert ended.result is not None
    assert ended.result["output"] == {"reference": "B-17"}


@contextmanager
def running_robot(orchestrator: Orchestrator, folder: Path) -> Iterator[None]:
    """Run UiPath's simulator of a robot until the block ends."""
    programs = foreign.robots_python().parent
    (folder / "uv").write_text(UV.format(bin=programs), encoding="utf-8")
    (folder / "uv").chmod(0o755)
    environment = surroundings(orchestrator, folder)
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    with (folder / "robot.log").open("wb") as log:
        robot = subprocess.Popen(
            [programs / "uipath-robot", "--verbose"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(robot.pid, signal.SIGKILL)
            robot.wait()


def test_uipaths_robot_does_our_job_and_returns_its_result(
    orchestrator: Orchestrator, uipath: RobotStage, tmp_path: Path
) -> None:
    connector = UipathConnector(SystemClock())
    options = {"process": "BlockCard", "content": {"card": "{input.name}"}}
    delivery = a_delivery(uipath.destination(), options=options, data={"input": {"name": "4111"}})
    assert delivered(connector, delivery).kind is AnswerKind.WAITING
    with running_robot(orchestrator, tmp_path):
        until = time.monotonic() + 60
        with orchestrator.changed:
            while orchestrator.jobs[1]["State"] not in ("Successful", "Faulted") and time.monotonic() < until:
                orchestrator.changed.wait(1)
    [ended] = asked(connector, delivery)
    assert ended.kind is AnswerKind.DELIVERED, (tmp_path / "robot.log").read_text(errors="replace")[-3000:]
    assert ended.result is not None
    assert ended.result["output"] == {"reference": "B-4111"}


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(None, AnswerKind.DELIVERED), ("BUSINESS", AnswerKind.REFUSED), ("APPLICATION", AnswerKind.FAILED)],
)
def test_robocorps_library_works_on_our_item_and_releases_it(
    failure: str | None, kind: AnswerKind, tmp_path: Path
) -> None:
    with Robocorp(SECRET_TEXT) as room:
        stage = RobotStage(room, "robocorp", RobocorpSettings, "/api/v1", workspace="w1", api_key_env="SECRET")
        connector = RobocorpConnector(SystemClock())
        payload = {"card": "{input.name}"} | ({} if failure is None else {"fail": failure})
        options = {"process": "p1", "payload": payload}
        delivery = a_delivery(stage.destination(), options=options, data={"input": {"name": "4111"}})
        begun = delivered(connector, delivery)
        assert begun.kind is AnswerKind.WAITING
        said = foreign.robot_task("robocorp_robot.py", environment=_run_of(room, tmp_path))
        assert 'seen ["4111"]' in said
        [ended] = asked(connector, delivery)
    assert ended.kind is kind, ended


def _run_of(room: Robocorp, folder: Path) -> Mapping[str, str]:
    """Return the environment of a run in Control Room, which has reserved its first item."""
    [first] = room.items
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ROBOT_ARTIFACTS": str(folder),
        "RC_WORKSPACE_ID": "w1",
        "RC_PROCESS_RUN_ID": "pr1",
        "RC_ACTIVITY_RUN_ID": "ar1",
        "RC_ROBOT_RUN_ID": "ar1",
        "RC_PROCESS_ID": "p1",
        "RC_WORKITEM_ID": first,
        "RC_API_WORKITEM_HOST": room.url,
        "RC_API_WORKITEM_TOKEN": room.key,
        "RC_API_PROCESS_HOST": room.url,
        "RC_API_PROCESS_TOKEN": room.key,
        "NO_PROXY": "127.0.0.1",
    }


def test_a_file_of_ours_is_read_by_the_file_adapter(tmp_path: Path) -> None:
    connector = RobocorpConnector(SystemClock())
    options = {"process": "p1", "payload": {"card": "{input.name}"}}
    delivery = a_delivery(Destination("robots", tmp_path.as_uri()), options=options, data={"input": {"name": "41"}})
    assert delivered(connector, delivery).kind is AnswerKind.DELIVERED
    [file] = (tmp_path / "p1").iterdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ROBOT_ARTIFACTS": str(tmp_path),
        "RC_WORKITEM_INPUT_PATH": str(file),
        "RC_WORKITEM_OUTPUT_PATH": str(tmp_path / "out.json"),
    }
    assert 'seen ["41"]' in foreign.robot_task("robocorp_robot.py", environment=environment)
    assert json.loads(file.read_text())[0]["payload"]["card"] == "41"
