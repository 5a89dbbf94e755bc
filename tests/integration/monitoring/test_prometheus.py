"""A real Prometheus scrapes a whole installation: its metrics, and the shipped rules' results."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from script import dashboard
from script.pages import FOLDER

from andon_demo.line import Line
from automations import payment
from monitoring import asked, queries
from prometheus import Prometheus, promtool
from receiver import Receiver
from running import running

PATH = "/v1/automations/payments/decisions"
ARM = ("payments", "fraud-risk", "1")
STAGES = {"queue", "features", "predict", "policy", "record", "whole"}
ASKED = 30
ONLY_WHERE_THERE_ARE = ("andon_gpu", "andon_procedures", "andon_audit_refused_rows")


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    with Receiver() as receiver, running(receiver.url) as line:
        yield line


@pytest.fixture(scope="module")
def caller(line: Line) -> str:
    return line.key("bank", "caller")


@pytest.fixture(scope="module")
def viewer(line: Line) -> str:
    return line.key("prometheus", "viewer")


def doors(line: Line) -> tuple[str, str]:
    return f"127.0.0.1:{line.gateway}", f"127.0.0.1:{line.worker}"


@pytest.fixture(scope="module")
def prometheus(line: Line, caller: str, viewer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run a Prometheus that saw the installation before, during and after ASKED requests and one bad one."""
    with Prometheus(tmp_path_factory.mktemp("prometheus"), doors(line), key=viewer) as prometheus:
        prometheus.wait_for("sum(up)", lambda found: found == {(): 2.0})
        headers = {"Authorization": f"Bearer {caller}"}
        with httpx.Client(base_url=line.url, headers=headers, trust_env=False) as client:
            assert client.post(PATH, json={"amount": "much"}).status_code == 422
            for number in range(1, ASKED + 1):
                assert client.post(PATH, json=payment(number)).status_code == 200
                if number % 10 == 0:
                    prometheus.wait_for("sum(andon_decisions_total)", lambda found, n=number: found == {(): n})
        yield prometheus


def test_decisions_are_counted_by_version_and_outcome(prometheus: Prometheus) -> None:
    found = prometheus.query("sum by (automation, model, version) (andon_decisions_total)")
    assert found == {ARM: ASKED}


def test_every_stage_saw_every_decision(prometheus: Prometheus) -> None:
    found = prometheus.query("sum by (automation, model, stage, version) (andon_stage_seconds_count)")
    automation, model, version = ARM
    assert found == {(automation, model, stage, version): ASKED for stage in STAGES}


def test_the_stages_of_a_decision_add_up_to_the_whole(prometheus: Prometheus) -> None:
    found = prometheus.query("sum by (stage) (andon_stage_seconds_sum)")
    parts = sum(seconds for (stage,), seconds in found.items() if stage != "whole")
    assert 0.7 * found["whole",] < parts <= found["whole",]


def test_the_gauges_of_a_gateway_are_there(prometheus: Prometheus) -> None:
    assert set(prometheus.query("sum by (priority) (andon_queue_depth)")) == {("interactive",), ("normal",), ("bulk",)}
    assert set(prometheus.query("sum by (model, version) (andon_version_queue_depth)")) == {ARM[1:]}
    assert prometheus.query("andon_traffic_share_ratio{version='1'} == 1").values()
    (beats,) = prometheus.wait_for("andon_event_loop_lag_seconds_count > 2", bool).values()
    assert beats > 2


def test_each_process_shows_what_the_reference_says_of_it(line: Line, viewer: str) -> None:
    page = (FOLDER / "metrics.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(andon_\w+)` \| (?:gauge|counter) \| (gateway|worker|both) \|", page, re.MULTILINE)
    headers = {"Authorization": f"Bearer {viewer}"}
    for process, door in zip(("gateway", "worker"), doors(line), strict=True):
        text = httpx.get(f"http://{door}/metrics", headers=headers, trust_env=False).raise_for_status().text
        wanted = {name for name, of in told if of in (process, "both") and not name.startswith(ONLY_WHERE_THERE_ARE)}
        others = {name for name, of in told if of not in (process, "both")}
        shown = set(re.findall(r"^# HELP (\w+) ", text, re.MULTILINE))
        assert wanted - shown == set()
        assert others & shown == set()


def test_the_recording_rules_say_percentiles_of_each_stage(prometheus: Prometheus) -> None:
    query = "sum by (stage) (version_stage:andon_stage_seconds:p99_5m{version='1'})"
    found = prometheus.wait_for(query, lambda found: {stage for (stage,) in found} == STAGES)
    assert all(0 < seconds < 10 for seconds in found.values())
    prometheus.wait_for("version:andon_errors:ratio_rate5m", lambda found: found == {ARM: 0})
    missed = prometheus.wait_for("automation:andon_objective_missed:ratio_rate5m", bool)
    assert 0 <= missed["payments",] <= 1


def test_the_dashboard_shows_what_was_decided(prometheus: Prometheus) -> None:
    prometheus.wait_for("sum(rate(andon_decisions_total[5m])) > 0", bool)
    empty = [
        panel.title
        for row in ("Overview", "Where the time goes", "Load")
        for panel in dashboard.DASHBOARD[row]
        if not any(prometheus.query(asked(query)) for query, _ in panel.queries)
    ]
    assert set(empty) <= {"Refused and expired", "Shadows"}


def test_every_query_of_the_dashboard_is_answered(prometheus: Prometheus) -> None:
    for query in queries():
        prometheus.query(query)


def test_a_healthy_installation_raises_no_alarm(prometheus: Prometheus) -> None:
    prometheus.wait_for("version:andon_decisions:rate5m", bool)
    assert prometheus.query('ALERTS{alertname!~"AndonObjective.*"}') == {}


def test_what_is_asked_wrongly_is_no_decision(prometheus: Prometheus) -> None:
    assert prometheus.query('sum by (status) (andon_http_requests_total{automation="payments"})') == {
        ("200",): ASKED,
        ("422",): 1,
    }


def test_no_label_is_an_id_of_a_decision_a_caller_or_an_account(prometheus: Prometheus) -> None:
    of_prometheus = {"__name__", "instance", "job", "alertname", "alertstate", "severity"}
    ours = {
        "automation",
        "model",
        "version",
        "outcome",
        "stage",
        "kind",
        "le",
        "priority",
        "status",
        "reason",
        "result",
    }
    following = {"destination", "answer", "currency", "chore", "consumer", "monitor", "state", "measure", "unit"}
    assert prometheus.labels() <= of_prometheus | ours | following


@pytest.mark.parametrize("door", [0, 1], ids=["gateway", "worker"])
def test_promtool_finds_nothing_to_say_about_the_exposition(
    line: Line, viewer: str, prometheus: Prometheus, door: int
) -> None:
    url = f"http://{doors(line)[door]}/metrics"
    text = httpx.get(url, headers={"Authorization": f"Bearer {viewer}"}, trust_env=False).content
    assert b"andon_build_info" in text
    done = promtool("check", "metrics", given=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_a_key_that_may_read_metrics_it_sees_nothing(line: Line, caller: str, tmp_path: Path) -> None:
    gateway, _ = doors(line)
    with Prometheus(tmp_path, [gateway], key=caller) as refused:
        refused.wait_for("up", lambda found: found == {(gateway, "andon"): 0.0})
        assert "403" in refused.targets()[gateway]
