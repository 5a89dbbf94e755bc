"""More deliveries than a connector carries out side by side: those that wait do not use up their time."""

import asyncio
from collections.abc import Callable, Sequence

from andon.actions import Answer, Connector, Delivery


def deliver_behind(
    connector: Connector, holding: Sequence[Delivery], waiting: Delivery, *, let_go: Callable[[], None]
) -> tuple[list[Answer], Answer]:
    """Start the deliveries in `holding`, and behind them `waiting`, whose time is shorter; let go once that has passed.

    Return the answers of the first, and that of the last.
    """

    async def run() -> tuple[list[Answer], Answer]:
        first = [asyncio.create_task(connector.deliver(one)) for one in holding]
        last = asyncio.create_task(connector.deliver(waiting))
        await asyncio.wait([last], timeout=1.5 * waiting.destination.timeout.total_seconds())
        let_go()
        answers = await asyncio.gather(*first, last)
        await connector.close()
        return answers[:-1], answers[-1]

    return asyncio.run(run())
