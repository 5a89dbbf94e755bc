"""The API against its own description: schemathesis asks everything that the document allows, and much that it forbids.

Every answer must be one the document has, in its status, media type, headers and shape; none may be a 500.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis

from andon import reviews
from andon.gateway import create_control, document
from andon.kernel.db import Database
from automations import payment
from calls import DECIDE
from lines import ADMIN, Installation, install
from listening import listening
from messages import an_action, bury
from trials import at_most

pytestmark = pytest.mark.long

SEED = 20261125
PATIENCE = 360
"""Seconds that a run may take: half a minute on an idle machine, and several times that beside other tests."""
REFUSING = ["207", "400", "401", "403", "404", "405", "409", "413", "415", "422"]
"""How what does not fit the document may be answered: 207 says which rows or events of many are refused."""
UNSUITABLE = "positive_data_acceptance"
"""The failures of valid requests that are no fault: a cursor of no page, a taken key name, an unknown model."""


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def admin(installation: Installation) -> str:
    return installation.key("ada", ADMIN)


@pytest.fixture
def gateway(installation: Installation, admin: str) -> Iterator[str]:
    """One that knows the key."""
    with listening(installation) as url:
        yield url


def test_the_document_is_valid_openapi(installation: Installation) -> None:
    gateway, side = installation.gateway()
    described = document(create_control(gateway, side))
    assert described["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(described).validate()


@pytest.mark.timeout(PATIENCE + 60)
def test_with_every_permission_all_answers_are_as_described(
    gateway: str, installation: Installation, admin: str, tmp_path: Path
) -> None:
    described = with_what_is_there(gateway, admin, something_of_everything(gateway, installation, admin))
    fuzz(tmp_path, gateway, described, key=admin, phases="coverage,fuzzing,stateful", examples=at_most(6))


@pytest.mark.timeout(PATIENCE + 60)
def test_without_a_key_all_answers_are_as_described(gateway: str, tmp_path: Path) -> None:
    described = httpx.get(f"{gateway}/openapi.json", trust_env=False, timeout=30).json()
    fuzz(tmp_path, gateway, described, key=None, phases="fuzzing", examples=at_most(2))  # all are refused alike


def fuzz(folder: Path, url: str, described: dict[str, Any], *, key: str | None, phases: str, examples: int) -> None:
    """Run schemathesis; its findings are the failure's message. The key is in its settings, not its arguments."""
    (folder / "api.json").write_text(json.dumps(described), encoding="utf-8")
    headers = "" if key is None else f'headers = {{ Authorization = "Bearer {key}" }}\n'
    settings = f'{headers}[generation]\ndatabase = "none"\n[warnings]\ndisplay = []\n'
    settings += f"[checks.negative_data_rejection]\nexpected-statuses = {json.dumps(REFUSING)}\n"
    (folder / "schemathesis.toml").write_text(settings, encoding="utf-8")
    program = str(Path(sys.executable).with_name("schemathesis"))
    order = [
        "--config-file",
        "schemathesis.toml",
        "run",
        "api.json",
        "--url",
        url,
        "--no-color",
        "--continue-on-failure",
    ]
    order += ["--seed", str(SEED), "--phases", phases, "--max-examples", str(examples), "--exclude-checks", UNSUITABLE]
    done = subprocess.run([program, *order], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    found = done.stdout.partition("= FAILURES =")[2] or done.stdout
    assert done.returncode == 0, found[:20_000] + done.stderr[-2_000:]


def something_of_everything(url: str, installation: Installation, key: str) -> dict[str, list[str]]:
    """Create records of each kind, so that requests by id find one; return their ids by parameter."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
        decided = client.post(DECIDE, json=payment(amount=290.0)).json()["id"]
        waiting = client.post(DECIDE, json=payment(), headers={"Prefer": "respond-async"}).json()["id"]
        assert client.post(f"/v1/decisions/{decided}/labels", json={"value": "fraud"}).status_code == 201
        with installation.database.begin() as tx:
            assert reviews.open_due(tx, now=datetime.now(UTC)) == 1
        (review,) = client.get("/v1/reviews").json()["reviews"]
    dead = an_action(datetime.now(UTC))
    bury(installation.database, [dead], at=datetime.now(UTC))
    return {"decision_id": [decided, waiting], "review_id": [review["id"]], "action_id": [str(dead.id)]}


def with_what_is_there(url: str, key: str, ids: dict[str, list[str]]) -> dict[str, Any]:
    """Return the document, narrowed to this installation: its automation's contract, models and record ids."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
        described: dict[str, Any] = client.get("/openapi.json").json()
        contract = client.get("/v1/automations/payments").json()["contract"]
    decide = described["paths"]["/v1/automations/{name}/decisions"]["post"]
    decide["requestBody"]["content"]["application/json"]["schema"] = contract
    for path, operations in described["paths"].items():
        name = ["payments"] if path.startswith("/v1/automations") else ["fraud-risk", "bank"]
        for operation in operations.values():
            if "parameters" in operation:  # nobody has the time to wait in thousands of cases
                operation["parameters"] = [each for each in operation["parameters"] if each["name"] != "wait"]
            for parameter in operation.get("parameters", ()):
                known = {**ids, "name": name}.get(parameter["name"])
                if parameter["in"] == "path" and known:
                    parameter["schema"] |= {"enum": known}
    return described
