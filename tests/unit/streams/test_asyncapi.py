"""The AsyncAPI document is whole: every reference leads somewhere, and its schemas take what really comes and goes."""

import re
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from andon import Automation, http_events, kafka, kafka_topic, nats, nats_subject, schedule, webhook
from andon.authoring import ActionSpec
from andon.decisions import content_of
from andon.streams import asyncapi_document
from andon.testing import decide
from automations import Payment, an_automation, payment
from ledger import as_recorded

KEY = re.compile(r"^[A-Za-z0-9._-]+$")


@pytest.fixture
def document() -> dict[str, Any]:
    automation: Automation = an_automation()
    automation.triggers = (
        kafka("transfers", types=("payment.made",)),
        nats("ORDERS"),
        http_events(),
        schedule("0 6 * * MON-FRI", read=lambda _: payment(1)),
    )
    automation.results = webhook("bank")
    return asyncapi_document([automation])


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [reference for inner in value.values() for reference in references(inner)]
    return [reference for inner in value for reference in references(inner)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere_and_every_key_is_one_that_asyncapi_takes(document: dict[str, Any]) -> None:
    assert len(references(document)) > 10
    for reference in references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    for part in (document["channels"], document["operations"], *document["components"].values()):
        assert all(KEY.match(key) for key in part)


def test_each_operation_names_a_message_of_its_own_channel(document: dict[str, Any]) -> None:
    actions = {}
    for name, operation in document["operations"].items():
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])
        actions[name] = operation["action"]
    assert sorted(actions.values()) == ["receive"] * 4 + ["send"]


def test_the_schemas_take_what_comes_and_what_goes(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert meta.is_valid(schemas["payments.input"])
    Draft202012Validator(schemas["payments.input"]).validate(dict(payment(1)))
    assert not Draft202012Validator(schemas["payments.input"]).is_valid({"amount": 1})
    assert set(Payment.model_fields) == set(schemas["payments.input"]["properties"])


@pytest.mark.parametrize(
    ("results", "media", "holds"),
    [
        (webhook("bank"), "application/json", {"type", "timestamp", "data"}),
        (
            webhook("bank", cloudevents=True),
            "application/cloudevents+json",
            {"id", "source", "specversion", "type", "time", "correlationid", "data"},
        ),
        (kafka_topic("log", "decisions"), "application/json", None),
        (nats_subject("log", "decisions"), "application/json", None),
    ],
)
def test_what_is_told_of_a_decision_is_described_as_its_connector_sends_it(
    results: ActionSpec, media: str, holds: set[str] | None
) -> None:
    automation: Automation = an_automation()
    automation.results = results
    message = asyncapi_document([automation])["components"]["messages"]["payments.results"]
    assert message["contentType"] == media
    decision = {"$ref": "#/components/schemas/payments.decision"}
    if holds is None:
        assert message["payload"] == decision
        assert "ce_source" in message["headers"]["properties"]
    else:
        assert set(message["payload"]["properties"]) == holds
        assert message["payload"]["properties"]["data"] == decision


def test_the_schema_of_a_decision_is_what_is_told(document: dict[str, Any]) -> None:
    (decision,) = decide(an_automation(), [payment(1)], model=lambda _: 0.1)
    said = content_of(as_recorded(decision))
    schema = document["components"]["schemas"]["payments.decision"]
    assert set(said) == set(schema["properties"])
    assert said["input"] == dict(payment(1))
