"""Pausing a transfer: hold it, tell the customer, wait two days for an answer, then release it or confirm the pause."""

from datetime import timedelta
from typing import Any

from andon import Procedure, procedure, webhook
from pydantic import BaseModel

ANSWER = "customer-answer"
BANK = webhook("core-banking")


class Decided(BaseModel):
    """The fields of the starting decision that this procedure reads."""

    id: str
    input: dict[str, Any]


@procedure("pause-transfer")
async def pause_transfer(p: Procedure, decision: Decided) -> str:
    """Ask the customer about a paused transfer, and return `release` if they made it, else `confirm`.

    A later failure undoes the pause.
    """
    transfer = {"id": decision.id, "transfer_id": decision.input["transfer_id"], "procedure": str(p.id)}

    async def unpause() -> None:
        await p.deliver(BANK, transfer, event="release")

    await p.deliver(BANK, transfer, event="pause", compensate=unpause)
    await p.deliver(BANK, transfer, event="notify-customer")
    answer = await p.wait_for(ANSWER, within=timedelta(days=2))
    outcome = "release" if answer is not None and answer.data == {"mine": True} else "confirm"
    await p.deliver(BANK, transfer, event=outcome)
    return outcome
