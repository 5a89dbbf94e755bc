"""The Open Inference Protocol over HTTP: an inference is a decision, with everything that belongs to one."""

import json
from random import Random
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import text

from andon.access import Grant, Role
from andon.serving.inference import InferRequest, WantedOutput, of_array, rest
from calls import DECIDE, call, calling
from lines import CALLER, Installation

INFER = "/v2/models/payments/infer"
ONE_ROW = {"payment_id": "p1", "account": "a1", "amount": 50.0, "country": "DE"}
ALL = ["outcome", "score", "label", "confidence", "certain", "rule", "reasons", "decision_id"]


def columns(rows: int = 1, **changed: Any) -> dict[str, Any]:
    """Return inputs as JSON."""
    given = {
        "payment_id": ("BYTES", [f"p{number}" for number in range(rows)]),
        "account": ("BYTES", ["a1"] * rows),
        "amount": ("FP64", [50.0] * rows),
        "country": ("BYTES", ["DE"] * rows),
        **changed,
    }
    tensors = [
        {"name": name, "datatype": of[0], "shape": [len(of[1])], "data": of[1]} for name, of in given.items() if of
    ]
    return {"inputs": tensors}


def infer(installation: Installation, key: str | None, body: dict[str, Any], **request: Any) -> httpx.Response:
    return call(installation, "POST", request.pop("path", INFER), key, json=body, **request)


def outputs(response: httpx.Response) -> dict[str, Any]:
    return {tensor["name"]: tensor["data"] for tensor in response.json()["outputs"]}


def recorded(installation: Installation) -> int:
    with installation.database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM decisions")).scalar_one())


def test_each_row_is_a_decision_that_can_be_read_back(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    body = columns(3, country=("BYTES", ["DE", "KP", "FR"]))
    response = infer(installation, key, body, headers={"X-Correlation-ID": "order-7"})
    said = outputs(response)
    assert list(said) == ALL
    assert said["outcome"] == ["release", "pause", "release"]
    assert said["reasons"] == ["", "SANCTIONED_COUNTRY", ""]
    assert response.headers["X-Correlation-ID"] == "order-7"
    assert response.headers["RateLimit"].startswith('"burst";r=')
    whole = call(installation, "GET", f"/v1/decisions/{said['decision_id'][1]}", key).json()
    assert whole["input"] == {"payment_id": "p1", "account": "a1", "amount": 50.0, "country": "KP"}
    assert (whole["rule"], whole["correlation_id"]) == ("sanctioned", "order-7")
    assert recorded(installation) == 3


def test_one_row_says_in_its_parameters_what_decided(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    answer = infer(installation, key, {"id": "42", **columns()}).json()
    said = {tensor["name"]: tensor for tensor in answer["outputs"]}
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("payments", "1", "42")
    parameters = answer["parameters"]
    assert parameters["decision_id"] == said["decision_id"]["data"][0]
    assert parameters["confidence"] == said["confidence"]["data"][0]
    assert (parameters["model"], parameters["model_version"]) == ("fraud-risk", 1)
    assert parameters["policy_version"]
    assert (said["score"]["datatype"], said["score"]["shape"]) == ("FP64", [1])


def test_the_answer_is_that_of_the_decide_route(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    given = {"payment_id": "p0", "account": "b", "amount": 290.0, "country": "FR"}
    decided = call(installation, "POST", DECIDE, key, json=given).json()
    said = outputs(infer(installation, key, columns(1, amount=("FP64", [290.0]), country=("BYTES", ["FR"]))))
    for name in ("outcome", "score", "label", "confidence", "certain", "rule"):
        assert said[name] == [decided[name]]


def test_only_the_outputs_that_are_asked_for_come(installation: Installation) -> None:
    body = {**columns(), "outputs": [{"name": "score"}, {"name": "outcome"}]}
    response = infer(installation, installation.key("bank", CALLER), body)
    assert list(outputs(response)) == ["score", "outcome"]


def test_optional_fields_may_be_missing_and_nan_is_missing_too(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    assert infer(installation, key, columns(country=None)).status_code == 200
    refused = infer(installation, key, columns(2, amount=("FP64", [1.0, None])))
    assert (refused.status_code, refused.json()) == (
        400,
        {"error": "Row 1: input.amount: Input should be a valid number"},
    )


def test_binary_tensors_go_both_ways(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    request = InferRequest(
        [
            of_array("payment_id", np.array([["a"], ["b"]])),
            of_array("account", np.array([b"x", b"y"])),
            of_array("amount", np.array([1, 500], np.float32)),
        ],
        [WantedOutput("outcome", False), WantedOutput("score"), WantedOutput("rule")],
        binary=True,
    )
    body, json_bytes = rest.encode_request(request, binary=True)
    headers = {rest.HEADER_LENGTH: str(json_bytes), "Content-Type": "application/octet-stream"}
    response = call(installation, "POST", INFER, key, content=body, headers=headers)
    assert response.headers["Content-Type"] == "application/octet-stream"
    length = int(response.headers[rest.HEADER_LENGTH])
    assert "data" in json.loads(response.content[:length])["outputs"][0]
    answer = rest.decode_response(response.content, length)
    assert answer.output("outcome").values()[0] == "release"
    low, high = answer.output("score").array().tolist()
    assert 0 < low < high < 1


WRONG: list[tuple[str, dict[str, Any], int, str]] = [
    ("no JSON", {"content": b"{"}, 400, "Invalid JSON"),
    ("no inputs", {"json": {"inputs": []}}, 400, "no inputs"),
    ("no rows", {"json": columns(0)}, 400, "has 0 rows; 1 to 8 are allowed"),
    ("too many rows", {"json": columns(9)}, 400, "has 9 rows; 1 to 8 are allowed"),
    ("a missing field", {"json": columns(account=None)}, 400, "Row 0: input.account: Field required"),
    (
        "a wrong value",
        {"json": columns(2, amount=("FP64", [1.0, -1.0]))},
        400,
        "Row 1: input.amount: Input should be greater than 0",
    ),
    (
        "infinity",
        {"content": b'{"inputs":[{"name":"amount","datatype":"FP64","shape":[1],"data":[1e999]}]}'},
        400,
        "outside the range of FP64",
    ),
    ("a NUL character", {"json": columns(account=("BYTES", ["\0"]))}, 400, "Row 0: The input holds a NUL character"),
    (
        "an unknown input",
        {"json": columns(extra=("FP64", [1.0]))},
        400,
        "No input 'extra'; available inputs: payment_id",
    ),
    (
        "an unknown output",
        {"json": {**columns(), "outputs": [{"name": "mood"}]}},
        400,
        "No output 'mood'; available outputs: outcome",
    ),
    ("rows that differ", {"json": columns(2, amount=("FP64", [1.0]))}, 400, "'payment_id' has 2, 'amount' has 1"),
    (
        "a matrix",
        {"json": {"inputs": [{"name": "amount", "datatype": "FP64", "shape": [1, 2], "data": [1, 2]}]}},
        400,
        r"expected the shape [1] or [1, 1], got [1, 2]",
    ),
    (
        "a bad timeout",
        {"json": {**columns(), "parameters": {"timeout": "soon"}}},
        400,
        "timeout must be a whole number",
    ),
    ("a bad header", {"json": columns(), "headers": {"X-Request-Timeout": "-1"}}, 400, "X-Request-Timeout"),
    ("an idempotency key", {"json": columns(), "headers": {"Idempotency-Key": "k"}}, 400, "not accepted here"),
    ("a length beyond the body", {"content": b"{}", "headers": {rest.HEADER_LENGTH: "3"}}, 400, "the body has only 2"),
    ("a compressed body", {"content": b"x", "headers": {"Content-Encoding": "gzip"}}, 415, "must not be compressed"),
    ("a body too large", {"content": b"x" * 20_000}, 413, "larger than 10000 bytes"),
    ("a version that is none", {"json": columns(), "path": "/v2/models/payments/versions/9/infer"}, 404, "these do: 1"),
    ("a version in words", {"json": columns(), "path": "/v2/models/payments/versions/one/infer"}, 404, "these do: 1"),
    ("another method", {"method": "GET"}, 405, "does not support the method"),
    ("an unknown model", {"json": columns(), "path": "/v2/models/nobody/infer"}, 404, "No automation 'nobody'"),
    ("an unknown address", {"json": columns(), "path": "/v2/models/payments/stats"}, 404, "nothing at this address"),
]


@pytest.mark.parametrize(("request_", "status", "words"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_what_is_wrong_gets_the_protocols_own_error_and_nothing_is_recorded(
    installation: Installation, request_: dict[str, Any], status: int, words: str
) -> None:
    headers = {"Authorization": f"Bearer {installation.key('ada', Grant(Role.ADMIN))}", **request_.get("headers", {})}
    method, path = request_.get("method", "POST"), request_.get("path", INFER)
    sent = {name: request_[name] for name in ("json", "content") if name in request_}

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        return await client.request(method, path, headers=headers, **sent)

    response = calling(installation, ask, max_in_flight=8, max_body_bytes=10_000)
    assert (response.status_code, list(response.json())) == (status, ["error"])
    assert words in response.json()["error"]
    assert response.headers["Content-Type"] == "application/json"
    assert recorded(installation) == 0


def test_a_key_is_needed_and_it_must_be_allowed_to_decide(installation: Installation) -> None:
    stranger = installation.key("stan", Grant(Role.OWNER, "other"))
    viewer = installation.key("vera", Grant(Role.VIEWER, "payments"))
    assert infer(installation, None, columns()).status_code == 401
    assert infer(installation, None, columns()).headers["WWW-Authenticate"] == 'Bearer realm="andon"'
    assert infer(installation, stranger, columns()).status_code == 403
    assert infer(installation, viewer, columns()).status_code == 403
    for path in ("/v2/models/payments", "/v2/models/payments/ready", "/v2/models/payments/versions/1"):
        assert call(installation, "GET", path).status_code == 401
        assert call(installation, "GET", path, stranger).status_code == 403
        assert call(installation, "GET", path, viewer).status_code == 200
    assert recorded(installation) == 0


def test_naming_a_version_takes_a_permission(installation: Installation) -> None:
    bank, otto = installation.key("bank", CALLER), installation.key("otto", Grant(Role.OPERATOR, "payments"))
    path = "/v2/models/payments/versions/1/infer"
    refused = infer(installation, bank, columns(), path=path)
    assert (refused.status_code, refused.json()) == (
        403,
        {"error": "bank may not choose the version that answers in payments"},
    )
    assert infer(installation, otto, columns(), path=path).json()["model_version"] == "1"
    assert infer(installation, otto, columns(), headers={"Andon-Model-Version": "9"}).status_code == 404


def test_a_request_of_many_rows_is_decided_whole_or_not_at_all(installation: Installation) -> None:
    headers = {"Authorization": f"Bearer {installation.key('bank', CALLER)}"}

    async def ask(client: httpx.AsyncClient) -> list[tuple[int, int]]:
        told = []
        for microseconds in (10_000_000, 1, 2_000, 10_000, 20_000, 30_000, 50_000, 80_000, 10_000_000):
            before, body = recorded(installation), {**columns(600), "parameters": {"timeout": microseconds}}
            answer = await client.post(INFER, json=body, headers=headers)
            told.append((answer.status_code, recorded(installation) - before))
        return told

    told = calling(installation, ask)
    assert {(status, rows) for status, rows in told if status not in (503, 504)} == {(200, 600)}
    assert {rows for status, rows in told if status in (503, 504)} == {0}


def test_every_row_counts_against_the_rate(installation: Installation) -> None:
    headers = {"Authorization": f"Bearer {installation.key('bank', CALLER)}"}

    async def ask(client: httpx.AsyncClient) -> list[int]:
        return [(await client.post(INFER, json=columns(4), headers=headers)).status_code for _ in range(3)]

    assert calling(installation, ask, burst=8, rate_per_minute=1) == [200, 200, 429]


def test_who_is_sent_away_is_counted_by_the_reason(installation: Installation) -> None:
    headers = {"Authorization": f"Bearer {installation.key('bank', Grant(Role.CALLER), Grant(Role.VIEWER))}"}

    async def ask(client: httpx.AsyncClient) -> tuple[list[int], str]:
        late = headers | {"X-Request-Timeout": "0.000001"}
        statuses = [
            (await client.post(INFER, json=columns(count), headers=given)).status_code
            for count, given in ((4, late), (3, headers), (4, headers))
        ]
        return statuses, (await client.get("/metrics", headers=headers)).text

    statuses, metrics = calling(installation, ask, burst=9, rate_per_minute=1)
    assert statuses == [504, 200, 429]
    assert 'andon_refused_total{automation="payments",reason="deadline"} 1.0' in metrics
    assert 'andon_refused_total{automation="payments",reason="rate"} 1.0' in metrics


def test_health_is_open_to_all_and_the_rest_describes_itself(installation: Installation) -> None:
    key = installation.key("bank", CALLER)
    assert call(installation, "GET", "/v2/health/live").json() == {"live": True}
    assert call(installation, "GET", "/v2/health/ready").json() == {"live": True, "ready": True}
    assert call(installation, "GET", "/v2").status_code == 401
    assert call(installation, "GET", "/v2", key).json()["name"] == "andon"
    assert call(installation, "GET", "/v2/models/payments/versions/1/ready", key).json() == {
        "name": "payments",
        "ready": True,
    }
    assert call(installation, "GET", "/v2/models/payments/versions/2/ready", key).status_code == 404
    metadata = call(installation, "GET", "/v2/models/payments", key).json()
    assert metadata["versions"] == ["1"]
    assert metadata["inputs"] == [
        {"name": "payment_id", "datatype": "BYTES", "shape": [-1]},
        {"name": "account", "datatype": "BYTES", "shape": [-1]},
        {"name": "amount", "datatype": "FP64", "shape": [-1]},
        {"name": "country", "datatype": "BYTES", "shape": [-1]},
    ]
    assert [tensor["name"] for tensor in metadata["outputs"]] == ALL
    assert "model_repository" in call(installation, "GET", "/v2", key).json()["extensions"]
    index = call(installation, "POST", "/v2/repository/index", key).json()
    assert index == [{"name": "payments", "version": "1", "state": "READY", "reason": ""}]
    stranger = installation.key("stan", Grant(Role.OWNER, "other"))
    assert call(installation, "POST", "/v2/repository/index", stranger).json() == []


def test_damaged_requests_are_answered_or_refused_and_never_an_error_of_ours(installation: Installation) -> None:
    headers = {"Authorization": f"Bearer {installation.key('bank', CALLER)}"}
    request = InferRequest([of_array(name, np.array([value])) for name, value in ONE_ROW.items()], binary=True)
    body, json_bytes = rest.encode_request(request, binary=True)
    assert json_bytes is not None
    random = Random(1)

    async def ask(client: httpx.AsyncClient) -> set[int]:
        found = set()
        for _ in range(400):
            at, length = random.randrange(len(body)), random.choice([0, 0, 1, 2, 30])
            damaged = body[:at] + random.randbytes(random.randrange(4)) + body[at + length :]
            announced = {rest.HEADER_LENGTH: str(json_bytes + random.choice([0, 0, 0, -1, 1]))}
            found.add((await client.post(INFER, content=damaged, headers=headers | announced)).status_code)
        return found

    assert calling(installation, ask) <= {200, 400}
