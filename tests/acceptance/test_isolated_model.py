"""An isolated champion on a running installation: its process is killed, and only its batch goes to a person."""

import re
import time

import httpx
import psutil

from andon_demo.line import Line
from packages import a_package
from pressing import Pressure
from receiver import Receiver
from running import prepared


def model_processes(line: Line) -> list[psutil.Process]:
    """Return the processes of models that belong to this installation."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(part.endswith("/isolated/host.py") for part in process.info["cmdline"] or ()):
            parent = process.parent()
            if parent is not None and parent.cwd() == str(line.folder):
                found.append(process)
    return found


def test_a_killed_model_process_costs_its_batch_and_nobody_else() -> None:
    with Receiver() as receiver, prepared(receiver.url) as line:
        package = a_package(line.folder / "isolated", seed=5)
        with (line.folder / "andon.toml").open("a") as settings:
            settings.write("[endpoints.fraud-risk]\nisolated = true\nprocesses_min = 2\nprocesses_max = 2\n")
        line.command("models", "register", str(package), "--alias", "champion", "--reason", "isolated")
        line.up()
        key = line.key("caller", "caller").split()[-1]
        with Pressure(line.gateway, key, width=4) as pressure:
            assert pressure.wait_for(50)
            victims = model_processes(line)
            assert len(victims) >= 2
            for process in victims:
                process.kill()
            killed = time.monotonic()
            assert pressure.wait_for(50, after=killed + 3)
            headers = {"Authorization": f"Bearer {line.key('watcher', 'viewer').split()[-1]}"}
            metrics = httpx.get(f"{line.url}/metrics", headers=headers, timeout=5, trust_env=False).text
        assert pressure.broken == 0
        assert {one.status for one in pressure.answers} == {200}
        assert {one.content["model"]["version"] for one in pressure.answers} == {2}
        unpredicted = [one for one in pressure.answers if one.content["score"] is None]
        assert {one.content["outcome"] for one in unpredicted} <= {"review"}
        assert len(unpredicted) <= 4 * len(victims), "no more than what was under way"
        assert [one for one in pressure.answers if one.asked > killed + 3 and one.content["score"] is None] == []
        (crashed,) = re.findall(r'^andon_pool_incidents_total\{.*kind="crashed".*\} (.*)$', metrics, re.MULTILINE)
        assert float(crashed) == 2
    assert [process for process in victims if process.is_running()] == []
