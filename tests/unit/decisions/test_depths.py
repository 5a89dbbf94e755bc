"""How many wait for each model is known at any time, by priority, for whoever shows it."""

from types import SimpleNamespace
from typing import Any

from andon.decisions.domain import Priority
from andon.decisions.queue import BULK_LEAST, Item, Queue


def item(model: str, priority: Priority) -> Item:
    request: Any = SimpleNamespace(priority=priority, deadline_ns=None)
    arm: Any = SimpleNamespace(ref=SimpleNamespace(model=SimpleNamespace(name=model)))
    nothing: Any = None
    return Item(request, nothing, arm, nothing, lambda *_: None)


def test_what_waits_is_counted_by_model_and_priority_and_what_was_taken_is_not() -> None:
    queue = Queue()
    for model, priority, count in (
        ("fraud-risk", Priority.INTERACTIVE, 2),
        ("fraud-risk", Priority.BULK, 12),
        ("churn", Priority.NORMAL, 3),
    ):
        for _ in range(count):
            queue.add(item(model, priority))
    assert queue.depths_by_model == {
        ("fraud-risk", Priority.INTERACTIVE): 2,
        ("fraud-risk", Priority.BULK): 12,
        ("churn", Priority.NORMAL): 3,
    }
    assert sum(queue.depths_by_model.values()) == sum(queue.depths)
    queue.take(0, 0)
    assert queue.depths_by_model == {("fraud-risk", Priority.BULK): 12 - BULK_LEAST}
