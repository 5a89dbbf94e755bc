"""Texts that nothing can store are refused before any route sees them, with the field named."""

import httpx
import pytest

from andon.gateway import create_control, document
from calls import call, calling
from lines import ADMIN, Installation

JSON = {"Content-Type": "application/json"}
HALF = r"\ud83d"

CASES = [
    ("/v1/actions:resend", rf'{{"reason": "a{HALF}", "destination": "bank"}}', "body.reason"),
    ("/v1/actions:resend", rf'{{"reason": "a reason", "destination": "{HALF}"}}', "body.destination"),
    ("/v1/streams:seek/payments/in", rf'{{"reason": "a reason", "to": "x{HALF}"}}', "body.to"),
    (
        "/v1/silences",
        rf'{{"reason": "a reason", "monitor": "{HALF}", "until": "2030-01-01T00:00:00Z"}}',
        "body.monitor",
    ),
    (
        "/v1/keys",
        rf'{{"name": "{HALF.upper()}", "reason": "a reason", "grants": []}}'.replace("\\U", "\\u"),
        "body.name",
    ),
    ("/v1/plans", rf'{{"files": {{"a.yaml": "{HALF}"}}}}', "body.files.a.yaml"),
    ("/v1/plans", rf'{{"files": {{"{HALF}": "a"}}}}', "body.files"),
    ("/v1/measures", rf'[{{"measure": "{HALF}"}}]', "body.0.measure"),
]


@pytest.mark.parametrize(("path", "body", "field"), CASES, ids=[f"{path} {field}" for path, _, field in CASES])
def test_half_a_character_is_refused_with_its_field(
    installation: Installation, path: str, body: str, field: str
) -> None:
    refused = call(installation, "POST", path, installation.key("ada", ADMIN), content=body, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (422, "RequestInvalid")
    assert [fault["field"] for fault in refused.json()["errors"]] == [field]
    assert "half a character" in refused.text


def test_no_route_takes_half_a_character(installation: Installation) -> None:
    gateway, side = installation.gateway()
    paths = document(create_control(gateway, side))["paths"]
    below = {"decide", "decide_batch", "bring_events", "bring_event_batch", "report_labels"}
    headers = {**JSON, "Authorization": f"Bearer {installation.key('ada', ADMIN)}"}

    async def ask(client: httpx.AsyncClient) -> list[str]:
        taken = []
        for path, operations in paths.items():
            for verb, operation in operations.items():
                if verb == "get" or operation["operationId"] in below:
                    continue
                body = rf'{{"reason": "{HALF}"}}'
                answer = await client.request(verb.upper(), path, content=body, headers=headers)
                fields = [fault["field"] for fault in answer.json().get("errors", ())]
                if (answer.status_code, fields) != (422, ["body.reason"]):
                    taken.append(f"{verb} {path}: {answer.status_code}")
        return taken

    assert calling(installation, ask) == []


def test_a_whole_pair_is_a_character(installation: Installation) -> None:
    body = r'{"reason": "\ud83d\ude00", "destination": "bank"}'
    taken = call(installation, "POST", "/v1/actions:resend", installation.key("ada", ADMIN), content=body, headers=JSON)
    assert taken.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        '{"reason": "a"}'.encode("utf-16-le"),
        '{"reason": "a"}'.encode("utf-32"),
        b'{"reason": "\xed\xa0\x80"}',
        b'"\xff"',
    ],
    ids=["utf-16", "utf-32", "a raw surrogate", "latin-1"],
)
def test_another_encoding_than_utf8_is_refused(installation: Installation, body: bytes) -> None:
    refused = call(
        installation, "POST", "/v1/actions:resend", installation.key("ada", ADMIN), content=body, headers=JSON
    )
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (422, "is not JSON in UTF-8")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/automations/payments/decisions", rf'{{"payment_id": "{HALF}", "account": "a", "amount": 1}}', 400),
        (
            "/v1/events:batch",
            rf'[{{"specversion": "1.0", "id": "{HALF}", "source": "/a", "type": "t", "data": 1}}]',
            422,
        ),
        ("/v1/labels", rf'[{{"decision_id": "01a233a3-ddc7-7f0b-85c8-fec32008ff27", "value": "{HALF}"}}]', 207),
        (
            "/v1/automations/payments/decisions:batch",
            rf'[{{"payment_id": "{HALF}", "account": "a", "amount": 1}}]',
            200,
        ),
    ],
)
def test_the_routes_below_refuse_it_too(installation: Installation, path: str, body: str, status: int) -> None:
    refused = call(installation, "POST", path, installation.key("ada", ADMIN), content=body, headers=JSON)
    assert refused.status_code == status, refused.text
    assert "decision_id" not in refused.text or status == 207
