"""The clients that others use work unchanged: NVIDIA's tritonclient (HTTP, gRPC, asynchronous) and KServe's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from andon import decisions
from andon.access import Grant, Role
from andon.kernel.db import Database
from andon.serving.inference.protobuf import CLASSES, MESSAGES
from foreign import client
from inferring import Doors, inferring
from lines import Installation, install

OUTCOMES = ["release", "pause", "pause"]


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def key(installation: Installation) -> str:
    return installation.key("otto", Grant(Role.OPERATOR, "payments"))


@pytest.fixture
def doors(installation: Installation, key: str) -> Iterator[Doors]:
    with inferring(installation, max_body_bytes=1_000_000) as found:
        yield found


def assert_two_decisions(installation: Installation, said: dict[str, Any]) -> None:
    """Check that a client's answers for two rows match the ledger."""
    assert said["outcome"] == OUTCOMES[:2]
    assert said["rule"] == ["safe", "sanctioned"]
    assert said["reasons"] == ["", "SANCTIONED_COUNTRY"]
    assert 0 < said["score"][0] < said["score"][1] < 1
    with installation.database.begin() as tx:
        for index, identifier in enumerate(said["decision_id"]):
            found = decisions.get(tx, UUID(identifier))
            assert found.row.outcome == said["outcome"][index]


def test_tritonclient_over_http(installation: Installation, doors: Doors, key: str) -> None:
    said = client("triton_http.py", doors.http, key)
    assert (said["live"], said["ready"], said["model_ready"], said["version_ready"]) == (True, True, True, True)
    assert said["no_version_ready"] is False
    assert said["server"]["name"] == "andon"
    assert said["model"]["versions"] == ["1"]
    assert said["index"] == [{"name": "payments", "version": "1", "state": "READY", "reason": ""}]
    assert_two_decisions(installation, said["binary"])
    assert said["id"] == "42"
    assert (list(said["text"]), list(said["mixed"])) == (["outcome", "score"], ["score", "rule"])
    assert said["text"]["score"] == said["mixed"]["score"] == said["binary"]["score"]
    assert said["parameters"]["decision_id"] == said["one"]["decision_id"][0]
    assert said["parameters"]["confidence"] == said["one"]["confidence"][0]
    assert said["pinned"] == "1"
    assert said["async"] == [OUTCOMES] * 8
    assert said["unknown_version"] == ["404", "Version '9' of payments does not answer here; these do: 1"]
    assert said["unknown_model"][0] == "403"
    assert said["no_key"][0] == "401"
    assert said["compressed"] == ["415", "The body must not be compressed"]


def test_tritonclient_over_grpc(installation: Installation, doors: Doors, key: str) -> None:
    said = client("triton_grpc.py", doors.grpc, key)
    assert (said["live"], said["ready"], said["model_ready"]) == (True, True, True)
    assert said["server"]["name"] == "andon"
    assert (said["model"]["name"], said["model"]["versions"]) == ("payments", ["1"])
    assert_two_decisions(installation, said["whole"])
    assert said["id"] == "42"
    assert said["some"] == {"score": said["whole"]["score"]}
    assert said["version"] == "1"
    assert said["parameters"]["decision_id"] == said["one"]["decision_id"][0]
    assert said["parameters"]["confidence"] == said["one"]["confidence"][0]
    assert said["async"] == [OUTCOMES] * 8
    assert said["unknown_version"] == [
        "StatusCode.NOT_FOUND",
        "Version '9' of payments does not answer here; these do: 1",
    ]
    assert said["unknown_model"][0] == "StatusCode.PERMISSION_DENIED"
    assert said["no_key"][0] == "StatusCode.UNAUTHENTICATED"
    assert said["bad_value"] == [
        "StatusCode.INVALID_ARGUMENT",
        "Row 0: input.amount: Input should be greater than 0",
    ]
    assert said["too_large"][0] == "StatusCode.RESOURCE_EXHAUSTED"


def test_tritonclients_asynchronous_clients(doors: Doors, key: str) -> None:
    said = client("triton_aio.py", doors.http, doors.grpc, key)
    for door in ("http", "grpc"):
        assert (said[door]["live"], said[door]["ready"], said[door]["model_ready"]) == (True, True, True)
        assert said[door]["outcomes"] == ["release"] * 20
        assert len(set(said[door]["ids"])) == 20


def test_kserves_clients(installation: Installation, doors: Doors, key: str) -> None:
    said = client("kserve_clients.py", f"http://{doors.http}", doors.grpc, key)
    for door in ("rest", "grpc"):
        assert (said[door]["live"], said[door]["ready"], said[door]["model_ready"]) == (True, True, True)
    for answer in (said["rest"]["text"], said["grpc"]["raw"], said["grpc"]["typed"]):
        assert (answer["id"], answer["model"]) == ("42", "payments")
        assert_two_decisions(installation, answer)
    assert said["rest"]["binary"]["score"] == said["rest"]["text"]["score"]
    assert "403 Forbidden" in said["rest"]["refused"]
    assert said["grpc"]["refused"].startswith("UNAUTHENTICATED: No key was sent")


def test_our_messages_are_theirs_field_by_field() -> None:
    triton = client("descriptors.py", "tritonclient.grpc.service_pb2")
    kserve = client("descriptors.py", "kserve.protocol.grpc.grpc_predict_v2_pb2")
    for path in MESSAGES:
        ours = {f.name: [f.number, f.type, f.is_repeated] for f in CLASSES[path].DESCRIPTOR.fields}
        assert {name: triton[path][name] for name in ours} == ours
        assert {name: of for name, of in kserve[path].items() if name in ours}.items() <= ours.items()
