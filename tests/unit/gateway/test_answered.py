"""What was answered in one turn of the event loop is counted together, and as if each had been counted by itself."""

import asyncio

import pytest

from andon.gateway.answered import Answered
from andon.kernel.metrics import Metrics

ANSWERS = {
    ("payments", 200): [0.0004, 0.0021, 0.0021, 0.7],
    ("payments", 429): [0.0001, 0.0002],
    ("mails", 202): [0.003],
    ("many", 200): [n / 1000 for n in range(100)],
}


def one_by_one() -> Metrics:
    metrics = Metrics()
    for (automation, status), each in ANSWERS.items():
        for seconds in each:
            metrics.requests.add((automation, str(status)))
            if status < 300:
                metrics.latency.observe_times((automation,), seconds)
    return metrics


def values(metrics: Metrics) -> dict[str, float]:
    """What the two metrics say, by name and labels."""
    names = ("andon_http_requests_total", "andon_decision_seconds")
    lines = [line for line in metrics.text().decode().splitlines() if line.startswith(names)]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize("turns", [1, 3])
def test_each_turn_is_counted_by_the_next_as_if_each_answer_were_by_itself(turns: int) -> None:
    metrics = Metrics()

    async def answer() -> None:
        answered = Answered(metrics)
        for turn in range(turns):
            for (automation, status), each in ANSWERS.items():
                for seconds in each[turn::turns]:
                    answered.add(automation, status, seconds)
            await asyncio.sleep(0)
            assert sum(value for name, value in values(metrics).items() if "_requests_total" in name) == sum(
                len(each[number::turns]) for each in ANSWERS.values() for number in range(turn + 1)
            )

    asyncio.run(answer())
    assert values(metrics) == pytest.approx(values(one_by_one()))
