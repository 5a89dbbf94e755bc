"""Clients that others generate from the gateway's documents: made, imported whole, and used on a gateway that runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.streams.streaming import streaming

from andon import http_events
from andon.kernel.db import Database
from foreign import generated
from lines import ADMIN, Installation
from listening import listening

pytestmark = [pytest.mark.long, pytest.mark.campaign]

BATCH_FORMATS = {"Unsupported content type application/x-ndjson", "Unsupported content type text/csv"}
BATCH_FORMATS |= {"Unsupported content type application/vnd.apache.arrow.stream"}
"""What the generator does not know beside JSON, and leaves out."""


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return streaming(database, tmp_path, http_events(types=("payment.made",)))


@pytest.fixture
def admin(installation: Installation) -> str:
    return installation.key("ada", ADMIN)


@pytest.fixture
def gateway(installation: Installation, admin: str) -> Iterator[str]:
    """One that knows the key."""
    with listening(installation) as url:
        yield url


def test_generators_make_working_clients_of_every_route(gateway: str, admin: str, tmp_path: Path) -> None:
    folder = tmp_path / "generated"
    folder.mkdir()
    made = generated("generated_clients.py", gateway, str(folder), key=admin)
    assert made["operations"] == operations_of(httpx.get(f"{gateway}/openapi.json", trust_env=False).json())
    assert made["own operations"] == ["decide", "decide_batch", "get_decision"]
    assert {line for line in made["warnings"] if not line.startswith("WARNING parsing")} == BATCH_FORMATS
    assert (made["model"], made["input"]) == ("payments", "DE")
    seen = made["seen"]
    decided, outcome = seen.pop("decided")
    assert outcome == "review"
    assert seen == {
        "bulk": ["AnswerOut", "AnswerOut"],
        "later": [202, "pending"],
        "read back": decided,
        "listed": True,
        "label": "fraud",
        "labels": ["repeated"],
        "automations": ["payments"],
        "models": ["fraud-risk"],
        "reviews": 0,
        "event": 202,
        "events": [202, 202],
        "cord": "supervised",
        "refused": [404, "AutomationNotFound"],
        "ready": "ready",
    }


def operations_of(described: dict[str, Any]) -> list[str]:
    return sorted(operation["operationId"] for path in described["paths"].values() for operation in path.values())
