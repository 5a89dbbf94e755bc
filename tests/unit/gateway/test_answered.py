"""What was answered in one turn of the event loop is counted together, and as if each had been counted by itself."""

import asyncio

import pytest

from andon.gateway.answered import Answered
from andon.kernel.metrics import Metrics

SECONDS = {"payments": [0.0004, 0.0021, 0.0021, 0.7], "mails": [0.003], "many": [n / 1000 for n in range(100)]}


def counted(metrics: Metrics) -> list[str]:
    """The lines of the text for these two metrics, sorted."""
    names = ("andon_http_requests_total", "andon_decision_seconds")
    return sorted(line for line in metrics.text().decode().splitlines() if line.startswith(names))


def one_by_one() -> Metrics:
    metrics = Metrics()
    for automation, each in SECONDS.items():
        for seconds in each:
            metrics.requests.add((automation, "200"))
            metrics.latency.observe_times((automation,), seconds)
    return metrics


@pytest.mark.parametrize("turns", [1, 3])
def test_they_are_counted_by_the_next_turn_as_if_each_were_by_itself(turns: int) -> None:
    metrics = Metrics()

    async def answer() -> None:
        answered = Answered(metrics)
        for turn in range(turns):
            for automation, each in SECONDS.items():
                for seconds in each[turn::turns]:
                    answered.add(automation, seconds)
            await asyncio.sleep(0)
        assert any("payments" in line for line in counted(metrics))

    asyncio.run(answer())
    told, expected = counted(metrics), counted(one_by_one())
    assert [line for line in told if "_sum" not in line] == [line for line in expected if "_sum" not in line]
    sums = [float(line.split()[-1]) for line in told if "_sum" in line]
    assert sums == pytest.approx([float(line.split()[-1]) for line in expected if "_sum" in line])
    assert len(sums) == len(SECONDS)
