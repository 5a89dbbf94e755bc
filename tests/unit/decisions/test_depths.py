"""How many wait for each version of a model is known at any time, by priority, for whoever shows it."""

from types import SimpleNamespace
from typing import Any

from andon.decisions.domain import Priority
from andon.decisions.queue import BULK_LEAST, Item, Queue
from meanwhile import meanwhile


def item(model: str, version: int, priority: Priority) -> Item:
    request: Any = SimpleNamespace(automation=model, priority=priority, deadline_ns=None)
    arm: Any = SimpleNamespace(ref=SimpleNamespace(model=SimpleNamespace(name=model)), version=version)
    nothing: Any = None
    return Item(request, nothing, arm, nothing, lambda *_: None)


def test_what_waits_is_counted_by_version_and_priority_and_what_was_taken_is_not() -> None:
    queue = Queue()
    waiting = {
        ("fraud-risk", 1, Priority.INTERACTIVE): 2,
        ("fraud-risk", 2, Priority.INTERACTIVE): 1,
        ("fraud-risk", 2, Priority.BULK): 12,
        ("churn", 1, Priority.NORMAL): 3,
    }
    for (model, version, priority), count in waiting.items():
        for _ in range(count):
            queue.add(item(model, version, priority))
    assert queue.depths_by_version == waiting
    assert sum(queue.depths_by_version.values()) == sum(queue.depths_by_automation.values()) == sum(queue.depths)
    queue.take(0, 0)
    assert queue.depths_by_version == {("fraud-risk", 2, Priority.BULK): 12 - BULK_LEAST}


def test_any_thread_may_ask_while_requests_come_and_go() -> None:
    """Metrics are scraped on another thread, above all while much waits."""
    queue = Queue()
    for _ in range(200):
        queue.add(item("fraud-risk", 1, Priority.INTERACTIVE))

    def one_comes_and_one_goes(number: int) -> None:
        queue.add(item("fraud-risk", 1 + number % 2, Priority.INTERACTIVE))
        queue.take(0, 0, 1)

    with meanwhile(one_comes_and_one_goes):
        counts = [sum(queue.depths_by_version.values()) for _ in range(300)]
    assert set(counts) <= {200, 201}
