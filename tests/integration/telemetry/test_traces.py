"""One trace from the caller to the receiver, through real processes, told to a real OTLP endpoint."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest

from andon_demo.line import Line
from automations import payment
from otlp import Collector, Told
from receiver import Received, Receiver, Reply
from running import prepared, running

PATH = "/v1/automations/payments/decisions"
SERVER = "POST /v1/automations/{name}/decisions"
CALLER = "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def line(receiver: Receiver, collector: Collector) -> Iterator[Line]:
    with running(receiver.url, {"ANDON_TELEMETRY_OTLP_ENDPOINT": collector.url}) as line:
        yield line


@pytest.fixture(scope="module")
def key(line: Line) -> str:
    return line.key("bank", "caller")


@dataclass(frozen=True)
class Caller:
    """Somebody with a trace of his own, and what was told of it."""

    line: Line
    collector: Collector
    key: str
    trace: str

    def ask(self, *, sampled: bool = True, json: Any = None, **headers: str) -> httpx.Response:
        """One request within the trace."""
        own = {"traceparent": f"00-{self.trace}-{CALLER}-0{int(sampled)}", "Authorization": f"Bearer {self.key}"}
        return httpx.post(f"{self.line.url}{PATH}", json=json, headers=own | headers, trust_env=False)

    def told(self, **counts: int) -> list[list[Told]]:
        """Return the spans of each name once there are so many, of this trace or linked to it."""

        def of(spans: list[Told]) -> dict[str, list[Told]]:
            mine = [one for one in spans if self.trace in {one.trace_id, *(trace for trace, _ in one.links)}]
            return {name: [one for one in mine if one.name == NAMES[name]] for name in counts}

        spans = self.collector.wait_for(lambda spans: all(len(of(spans)[name]) >= n for name, n in counts.items()))
        found = of(spans)
        assert {name: len(found[name]) for name in counts} == counts
        return list(found.values())


STAGES = ("queue", "features", "predict", "policy", "record")
NAMES = {
    "server": SERVER,
    "commit": "ledger.commit",
    "delivery": "action.deliver",
    "review": "review.open",
    **{stage: f"decide.{stage}" for stage in STAGES},
}


@pytest.fixture
def caller(line: Line, collector: Collector, key: str) -> Caller:
    return Caller(line, collector, key, uuid4().hex)


def test_one_trace_joins_caller_decision_commit_delivery_and_receiver(caller: Caller, receiver: Receiver) -> None:
    receiver.plan(Reply(500))
    answer = caller.ask(json=payment(country="KP", account="Jane-Doe")).json()
    (server,), (commit,), (failed, delivered) = caller.told(server=1, commit=1, delivery=2)
    assert (server.service, server.trace_id, server.parent_id) == ("andon-gateway", caller.trace, CALLER)
    assert (server.attributes["andon.automation"], server.attributes["http.response.status_code"]) == ("payments", 200)
    assert commit.links == {(caller.trace, server.span_id)}
    assert (commit.attributes["andon.batch_size"], commit.attributes["andon.automation"]) == (1, ["payments"])
    assert {(one.service, one.trace_id, one.parent_id) for one in (failed, delivered)} == {
        ("andon-worker", caller.trace, server.span_id)
    }
    assert (failed.failed, failed.attributes["andon.attempt"], failed.attributes["andon.answer"]) == (True, 1, "failed")
    assert (delivered.failed, delivered.attributes["andon.attempt"]) == (False, 2)
    (got,) = (one for one in receiver.received.values() if one.event["data"]["id"] == answer["id"])
    assert got.headers["traceparent"][:-3] == f"00-{caller.trace}-{delivered.span_id}"


def test_each_stage_is_a_span_below_the_request_and_one_begins_where_the_other_ends(caller: Caller) -> None:
    assert caller.ask(json=payment()).status_code == 200
    (server,), *stages = caller.told(server=1, **dict.fromkeys(STAGES, 1))
    spans = [one for (one,) in stages]
    assert {(one.trace_id, one.parent_id) for one in spans} == {(caller.trace, server.span_id)}
    for before, after in pairwise(spans[:4]):
        assert abs(after.began - before.ended) < 1_000
    assert server.began <= spans[0].began
    assert spans[3].ended <= spans[4].began + 1_000
    assert spans[4].ended <= server.ended
    assert all(one.attributes["andon.batch_size"] == 1 for one in spans)
    assert all(one.attributes["andon.model_version"] == 1 for one in spans)


def test_the_arm_is_told_as_a_feature_flag_on_the_span_that_predicts(caller: Caller) -> None:
    assert caller.ask(json=payment()).status_code == 200
    (predict,), (policy,) = caller.told(predict=1, policy=1)
    flag = {name: value for name, value in predict.attributes.items() if name.startswith("feature_flag.")}
    assert flag == {
        "feature_flag.key": "fraud-risk",
        "feature_flag.provider.name": "andon",
        "feature_flag.result.variant": "1",
        "feature_flag.result.reason": "static",
        "feature_flag.version": "0",
    }
    assert not any(name.startswith("feature_flag.") for name in policy.attributes)


def test_what_waits_for_a_person_stays_in_the_trace(caller: Caller) -> None:
    assert caller.ask(json=payment(amount=290.0)).json()["outcome"] == "review"
    (server,), (opened,) = caller.told(server=1, review=1)
    assert (opened.service, opened.trace_id, opened.parent_id) == ("andon-worker", caller.trace, server.span_id)
    assert opened.attributes == {"andon.automation": "payments", "andon.queue": "fraud"}


def test_what_is_decided_later_stays_in_the_trace(caller: Caller) -> None:
    assert caller.ask(json=payment(country="KP"), prefer="respond-async").status_code == 202
    (server,), (commit,), (delivered,) = caller.told(server=1, commit=1, delivery=1)
    assert (commit.service, commit.links) == ("andon-worker", {(caller.trace, server.span_id)})
    assert delivered.parent_id == server.span_id


def test_requests_of_one_commit_are_linked_by_one_span(caller: Caller) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda i: caller.ask(json=payment(i, amount=1.0)), range(64)))
    (servers,) = caller.told(server=64)
    spans = caller.collector.wait_for(lambda spans: len(linked(spans, caller.trace)) == 64)
    commits = [one for one in spans if caller.trace in {trace for trace, _ in one.links}]
    assert linked(spans, caller.trace) == {server.span_id for server in servers}
    assert sum(one.attributes["andon.batch_size"] for one in commits) == 64
    assert all(len(one.links) == one.attributes["andon.batch_size"] for one in commits)


def test_refusals_are_told_by_their_code_alone(caller: Caller) -> None:
    assert caller.ask(json=payment(), authorization="Bearer andon_wrong").status_code == 401
    assert caller.ask(json={"account": "Jane-Doe"}).status_code == 422
    (servers,) = caller.told(server=2)
    assert {one.attributes["http.response.status_code"]: one.attributes["error.type"] for one in servers} == {
        401: "Unauthenticated",
        422: "InputInvalid",
    }


def test_an_unsampled_trace_is_handed_on_and_not_told(caller: Caller, receiver: Receiver) -> None:
    answer = caller.ask(sampled=False, json=payment(country="KP")).json()
    sampled = replace(caller, trace=uuid4().hex)
    sampled.ask(json=payment(country="KP"))
    sampled.told(server=1, delivery=1)
    (got,) = (one for one in receiver.received.values() if one.event["data"]["id"] == answer["id"])
    assert trace_of(got) == caller.trace
    assert got.headers["traceparent"].endswith("-00")
    assert not [one for one in caller.collector.wait_for(lambda _: True) if one.trace_id == caller.trace]


def test_no_span_tells_of_a_person_a_key_or_an_exception(caller: Caller) -> None:
    caller.ask(json=payment(account="Jane-Doe", country="KP"), **{"idempotency-key": "Jane-1"})
    caller.told(server=1, commit=1, delivery=1)
    spans = caller.collector.wait_for(lambda _: True)
    assert not any(secret in str(span) for span in spans for secret in ("Jane", caller.key, caller.key[-64:], "bank\n"))
    assert not any(span.events or span.status for span in spans)


def test_a_collector_that_is_away_slows_nothing_and_keeps_nothing_from_ending(
    receiver: Receiver, collector: Collector
) -> None:
    with prepared(receiver.url, {"ANDON_TELEMETRY_OTLP_ENDPOINT": "http://127.0.0.1:9"}) as line:
        line.up()
        caller = Caller(line, collector, line.key("bank", "caller"), uuid4().hex)
        began = time.monotonic()
        assert [caller.ask(json=payment(i)).status_code for i in range(100)] == [200] * 100
        assert time.monotonic() - began < 10
        began = time.monotonic()
        line.down()
        assert time.monotonic() - began < 12
        assert "part_killed" not in line.log.read_text()


def linked(spans: list[Told], trace: str) -> set[str]:
    """Return the spans of a trace that some commit is linked to."""
    return {span for one in spans for of, span in one.links if of == trace}


def trace_of(delivery: Received) -> str:
    return delivery.headers.get("traceparent", "--").split("-")[1]
