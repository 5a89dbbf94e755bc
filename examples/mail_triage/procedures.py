"""What follows a request to block a card: a robot blocks it, an agent drafts the answer, a person approves it."""

from datetime import timedelta
from typing import Any

from andon import (
    Procedure,
    StepFailed,
    browser,
    choose,
    click,
    expect_text,
    fill,
    go,
    look,
    mail_move,
    mail_reply,
    procedure,
    read,
    refused_when,
    secret,
)
from pydantic import BaseModel

from agent import write_reply
from signals import card_to_block

NUMBER = "411111110000{last4}"
"""The full number of a card from its last digits. A bank would look it up."""

NOTICE = "This answer was drafted by a machine and approved by a person."

CARD_SYSTEM = browser(
    "cards",
    account="robot1",
    login=[
        go("/login"),
        fill("#user", secret("user")),
        fill("#password", secret("password")),
        click("#signon"),
        expect_text("#welcome", "signed on", frame="main"),
    ],
    steps=[
        go("/block", frame="main"),
        refused_when("#error", frame="main"),
        fill("#card", "{input.card}", frame="main"),
        choose("#reason", "lost", frame="main"),
        fill("#reference", "{key}", frame="main"),
        click("#submit", commit=True, frame="main"),
        expect_text("#done", "card blocked", frame="main"),
        read("#number", "number", frame="main"),
    ],
    done_when=look([go("/search?reference={key}", frame="main")], found="tr.entry", missing="#none", frame="main"),
)
TO_CARDS = mail_move("support", folder="Cards")
ANSWER = mail_reply("support", text="{input.answer}")


class Decided(BaseModel):
    """The fields of the starting decision that this procedure reads."""

    id: str
    input: dict[str, Any]


@procedure("block-card")
async def block_card(p: Procedure, decision: Decided) -> str:
    """Block the card that a mail names and answer the customer; if the robot fails, a person blocks it."""
    mail = decision.input
    last4 = card_to_block(mail) or ""
    await p.deliver(TO_CARDS, {"id": decision.id, "input": mail}, event="move")
    try:
        number = NUMBER.format(last4=last4)
        await p.deliver(CARD_SYSTEM, {"id": decision.id, "input": {"card": number}}, event="block")
    except StepFailed as failed:
        done = await p.ask(f"Block the card *{last4} by hand: {failed.why}", choices=["blocked", "not to be blocked"])
        if done.choice != "blocked":
            return "not blocked"
    draft = await p.agent(write_reply, {"last4": last4, "subject": mail["subject"], "text": mail["text"]})
    answer = f"{draft}\n\n{NOTICE}"
    approval = await p.ask(f"Send this answer?\n\n{answer}", choices=["send", "do not send"], due=timedelta(hours=4))
    if approval.choice != "send":
        return "blocked, not answered"
    await p.deliver(ANSWER, {"id": decision.id, "input": {**mail, "answer": answer}}, event="answer")
    return "blocked and answered"
