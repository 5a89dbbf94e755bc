"""What the processes of a real run log: one JSON object a line, and never a key, a secret or a value of an input."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from andon_demo.line import Line
from automations import payment
from receiver import SECRET, HangUp, Receiver, Reply
from running import running

PATH = "/v1/automations/payments/decisions"
TO_PEOPLE = re.compile(
    r"database |gateway |worker |console |Everything is running|Stopping|Stopped|Sign in at|    andon_|$"
)
"""What `andon up` itself says to whoever started it."""

PERSON, AMOUNT, REASON = "Zaphod-Beeblebrox", 73731.25, "saw-him-on-Betelgeuse"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def run(receiver: Receiver) -> Iterator[tuple[Line, list[str]]]:
    """Run a line through all kinds of requests and troubles; yield what may be in no log."""
    settings = {"ANDON_TELEMETRY_LOG_LEVEL": "debug", "ANDON_CONSOLE_ENABLED": "true"}
    with running(receiver.url, settings) as line:
        keys = [line.key("bank", "caller").split()[-1], line.key("root", "admin").split()[-1]]
        secrets = [key[-64:] for key in keys] + [(line.folder / ".andon" / "pepper").read_text().strip()]
        secrets += [path.read_text().strip() for path in (line.folder / ".andon").glob("**/password")]
        trouble(line, receiver, *keys)
        line.down()
        yield line, [*secrets, SECRET.removeprefix("whsec_"), PERSON, str(AMOUNT), REASON]


def trouble(line: Line, receiver: Receiver, bank: str, root: str) -> None:
    """Decisions, refusals, failing deliveries, a verdict, sign-ins, and a database that dies under it all."""
    person = {"account": PERSON, "amount": AMOUNT, "country": "KP"}
    with httpx.Client(base_url=line.url, headers={"Authorization": f"Bearer {bank}"}, trust_env=False) as client:
        receiver.plan(Reply(500, body=PERSON.encode()), HangUp())
        assert client.post(PATH, json=payment(**person), headers={"X-Correlation-ID": "order-7"}).status_code == 200
        assert client.post(PATH, json=payment(**person) | {"amount": PERSON}).status_code == 422
        assert client.post(PATH, content=PERSON, headers={"Content-Type": "application/json"}).status_code == 400
        assert client.post(PATH, json=payment(), headers={"Authorization": f"Bearer {root}x"}).status_code == 401
        assert client.post(PATH, json=payment(**person), headers={"Prefer": "respond-async"}).status_code == 202
        assert client.post(PATH, json=payment(account=PERSON, amount=290.0)).json()["outcome"] == "review"
        assert client.get("/v1/decisions", params={"search": "\0" + PERSON}).status_code < 500
        assert receiver.wait_for(2)
        work_the_review(client, root)
        ended = the_database(line)
        psutil.Process(ended).kill()
        assert client.post(PATH, json=payment(**person), timeout=20).status_code == 200
    line.wait_until("the database was started again", lambda: the_database(line) not in (0, ended), timeout=20)
    with httpx.Client(base_url=f"http://127.0.0.1:{line.console}", trust_env=False) as client:
        client.post("/sign-in", data={"key": root})
        client.post("/sign-in", data={"key": f"{root}x"})


def work_the_review(client: httpx.Client, root: str) -> None:
    headers = {"Authorization": f"Bearer {root}"}
    (review,) = client.get("/v1/reviews", headers=headers).json()["reviews"]
    client.post(f"/v1/reviews/{review['id']}/claim", headers=headers)
    said = {"outcome": "pause", "reason": REASON}
    assert client.post(f"/v1/reviews/{review['id']}/verdict", json=said, headers=headers).status_code == 200


def the_database(line: Line) -> int:
    """Return the process of PostgreSQL; 0 while there is none."""
    try:
        (file,) = (line.folder / ".andon").glob("**/postmaster.pid")
        return int(file.read_text().split()[0])
    except (ValueError, FileNotFoundError, IndexError):
        return 0


def logged(line: Line) -> list[dict[str, Any]]:
    return [json.loads(one) for one in line.log.read_text().splitlines() if not TO_PEOPLE.match(one)]


def test_every_line_is_one_json_object_of_a_named_process(run: tuple[Line, list[str]]) -> None:
    lines = logged(run[0])
    assert {one["process"] for one in lines} >= {"up", "gateway", "worker", "console"}
    assert all({"event", "level", "timestamp"} <= one.keys() for one in lines)


def test_no_line_holds_a_key_a_secret_or_a_value_of_an_input(run: tuple[Line, list[str]]) -> None:
    line, secrets = run
    text = line.log.read_text()
    assert len(secrets) >= 7
    assert [secret for secret in secrets if secret in text] == []


def test_nothing_is_logged_as_a_bug(run: tuple[Line, list[str]]) -> None:
    assert [one for one in logged(run[0]) if "exception" in one] == []


def test_an_error_is_logged_by_class_and_place_without_what_it_says() -> None:
    program = f"""
from andon.kernel.logs import configure_logs
configure_logs("gateway", "info")
import asyncio, structlog, warnings
async def fails(person):
    raise ValueError(f"cannot digest {{person!r}}")
async def forgets():
    task = asyncio.get_running_loop().create_task(fails("{PERSON}"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
try:
    asyncio.run(fails("{PERSON}"))
except ValueError:
    structlog.get_logger().exception("request.failed", correlation_id="c-1")
asyncio.run(forgets())
raise RuntimeError("{PERSON}") from KeyError("{PERSON}")
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr
    failed, forgotten, ended = map(json.loads, said.splitlines())
    assert PERSON not in said
    assert (failed["correlation_id"], failed["exception"]["type"]) == ("c-1", "builtins.ValueError")
    assert failed["exception"]["at"][-1].endswith(" fails")
    assert forgotten["exception"]["type"] == "builtins.ValueError"
    assert (ended["event"], ended["exception"]["cause"]["type"]) == ("process.failed", "builtins.KeyError")


def test_events_of_threads_stay_on_lines_of_their_own() -> None:
    program = """
import sys, threading, structlog
from andon.kernel.logs import configure_logs
configure_logs("gateway", "info")
sys.setswitchinterval(1e-6)
together = threading.Barrier(8)
def talk(thread):
    together.wait()
    for number in range(500):
        structlog.get_logger().info("said", thread=thread, number=number)
threads = [threading.Thread(target=talk, args=(thread,)) for thread in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    said = [(one["thread"], one["number"]) for one in map(json.loads, done.stderr.splitlines())]
    assert sorted(said) == [(thread, number) for thread in range(8) for number in range(500)]


def test_a_log_that_takes_nothing_more_ends_no_process() -> None:
    program = """
import logging, structlog
from andon.kernel.logs import configure_logs
configure_logs("gateway", "info")
structlog.get_logger().error("lost")
logging.getLogger("library").error("lost as well")
print("goes on")
"""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, text=True, check=False
        )
    assert done.stdout == "goes on\n"
