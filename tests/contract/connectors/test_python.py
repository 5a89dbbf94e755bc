"""The python connector keeps the contract of connectors; what a function does harms nothing but its own process."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
from pydantic import ValidationError
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery

from andon.actions import AnswerKind, Destination
from andon.connectors.python import PythonConnector, PythonOptions, PythonSettings

FUNCTIONS = """
import json, os, subprocess, sys, time
from pathlib import Path

from andon import NotTaken, Refused

FOLDER = Path(__file__).parent


def act(action):
    try:
        os.rename(FOLDER / "plan", FOLDER / "planned")
        plan = (FOLDER / "planned").read_text()
    except FileNotFoundError:
        plan = ""
    if plan == "refuse":
        raise Refused("not with token " + os.environ["TOKEN"])
    if plan == "fail":
        raise NotTaken("busy")
    with open(FOLDER / "taken", "a") as taken:
        taken.write(action["key"] + "\\n")
    if plan == "silence":
        time.sleep(30)
    if plan == "end":
        os._exit(1)


def shout(action):
    print(os.environ["TOKEN"])
    sys.stderr.write(os.environ["TOKEN"])
    raise ValueError(os.environ["TOKEN"])


def hoard(action):
    bytearray(2**31)


def breed(action):
    child = subprocess.Popen(["sleep", "60"])
    (FOLDER / "child").write_text(str(child.pid))
    time.sleep(60)


def look(action):
    (FOLDER / "seen").write_text(json.dumps({"environment": sorted(os.environ), "pid": os.getpid(), "action": action}))
"""


class PythonStage:
    """A project with functions in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "actions.py").write_text(FUNCTIONS, encoding="utf-8")

    def destination(self, *, timeout: timedelta = timedelta(seconds=10)) -> Destination:
        settings = PythonSettings.model_validate(
            {"environment": {"TOKEN": "LEDGER_TOKEN"}}, context={"environment": {"LEDGER_TOKEN": SECRET_TEXT}}
        )
        return Destination("local", timeout=timeout, settings={"python": settings})

    def nowhere(self) -> Destination:
        (self.root / "actions.py").unlink()
        return self.destination()

    def refuse(self) -> None:
        self._plan("refuse")

    def fail(self) -> None:
        self._plan("fail")

    def keep_silent(self) -> None:
        self._plan("silence")

    def vanish(self) -> None:
        self._plan("end")

    def taken(self) -> dict[str, int]:
        file = self.root / "taken"
        keys = file.read_text(encoding="utf-8").split() if file.exists() else []
        return {key: keys.count(key) for key in keys}

    def _plan(self, what: str) -> None:
        (self.root / "plan").write_text(what, encoding="utf-8")


@pytest.fixture
def stage(tmp_path: Path) -> PythonStage:
    return PythonStage(tmp_path)


@pytest.fixture
def connector(tmp_path: Path) -> PythonConnector:
    return PythonConnector(tmp_path)


class TestPython(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = {"function": "actions.py:act"}

    def call(self, connector: PythonConnector, stage: PythonStage, function: str, *, seconds: float = 10) -> Any:
        destination = stage.destination(timeout=timedelta(seconds=seconds))
        delivery = a_delivery(destination, options={"function": f"actions.py:{function}"})
        return self.deliver(connector, delivery)[0]

    def test_an_error_is_unknown_and_tells_its_class_and_place_but_not_its_words(
        self, connector: PythonConnector, stage: PythonStage, capfd: pytest.CaptureFixture[str]
    ) -> None:
        answer = self.call(connector, stage, "shout")
        assert (answer.kind, answer.detail) == (
            AnswerKind.UNKNOWN,
            "the function ended with ValueError at actions.py:31",
        )
        assert SECRET_TEXT not in "".join(capfd.readouterr())

    def test_a_secret_in_a_refusal_is_not_shown(self, connector: PythonConnector, stage: PythonStage) -> None:
        stage.refuse()
        answer = self.call(connector, stage, "act")
        assert (answer.kind, answer.detail) == (AnswerKind.REFUSED, "not with token ***")

    def test_too_much_memory_is_an_error_of_the_function(self, connector: PythonConnector, stage: PythonStage) -> None:
        answer = self.call(connector, stage, "hoard")
        assert answer.kind is AnswerKind.UNKNOWN
        assert "MemoryError" in answer.detail

    def test_what_a_function_started_ends_with_it(self, connector: PythonConnector, stage: PythonStage) -> None:
        answer = self.call(connector, stage, "breed", seconds=3)
        assert (answer.kind, answer.detail) == (AnswerKind.UNKNOWN, "the function was ended after 3 s")
        child = int((stage.root / "child").read_text())
        with suppress(psutil.NoSuchProcess):
            psutil.Process(child).wait(5)

    def test_it_sees_the_action_and_of_our_environment_only_what_it_was_given(
        self, connector: PythonConnector, stage: PythonStage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ANDON_DATABASE_URL", SECRET_TEXT)
        assert self.call(connector, stage, "look").kind is AnswerKind.DELIVERED
        seen = json.loads((stage.root / "seen").read_text())
        assert set(seen["environment"]) <= {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TOKEN"}
        assert seen["action"]["decision"]["input"]["amount"] == 12.5

    def test_a_process_is_warm_for_the_next(self, connector: PythonConnector, stage: PythonStage) -> None:
        delivery = a_delivery(stage.destination(), options={"function": "actions.py:look"})
        pids = []

        async def run() -> None:
            for _ in range(3):
                await connector.deliver(delivery)
                pids.append(json.loads((stage.root / "seen").read_text())["pid"])
            await connector.close()

        asyncio.run(run())
        assert len(set(pids)) == 1
        assert not psutil.pid_exists(pids[0])


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("actions.py", "expected file.py:name"),
        ("actions.py:no", "has no function no at its top level; it has act, shout"),
        ("other.py:act", "there is no file other.py"),
        ("../other.py:act", "is outside the project"),
    ],
)
def test_a_function_that_is_not_there_is_found_when_it_is_declared(
    stage: PythonStage, function: str, says: str
) -> None:
    with pytest.raises(ValidationError, match="function"):
        PythonOptions.model_validate({"function": function}, context={"root": stage.root})
    with pytest.raises(ValidationError) as raised:
        PythonOptions.model_validate({"function": function}, context={"root": stage.root})
    assert says in str(raised.value)
