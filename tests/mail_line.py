"""A line that reads mails, and the model that it asks."""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from andon import Automation, Policy, Review, Text
from andon.kernel.db import Database
from andon.models import fit_text, pack
from lines import Installation, install, register_champion
from texts import FEATURES, TEAMS, mails

POLICY = """
outcomes: [accounts, cards, loans, review]
rules:
  - {id: is_loans, when: 'prediction.label == "loans"', then: loans, unproven: true, reasons: [LIKELY_LOANS]}
  - {id: is_cards, when: 'prediction.label == "cards" && prediction.confidence > 0.99', then: cards, unproven: true}
otherwise: review
"""


class Mail(BaseModel):
    """What the line takes."""

    sender: str
    subject: Annotated[str | None, Text(max_length=200)] = None
    body: Annotated[str, Text()]


def a_mail_line() -> Automation:
    """Return a line that sends mails about loans to their team and most others to a person."""
    return Automation(
        "mails", contract=Mail, model="mails", policy=Policy.yaml(POLICY), review=Review(queue="desk"), subject="sender"
    )


def a_mail_package(folder: Path) -> Path:
    """Pack a small model of mails."""
    columns, teams = mails(300)
    return pack(
        folder,
        name="mails",
        model=_model(),
        features=FEATURES,
        classes=TEAMS,
        training=(columns, teams),
        held_out=mails(150, seed=2),
        split="by chance",
    )


@cache
def _model() -> object:
    return fit_text(FEATURES, *mails(300), TEAMS, light=True)


def install_mails(database: Database, folder: Path) -> Installation:
    """Return an installation of the line."""
    register_champion(database, a_mail_package(folder / "package"))
    return install(database, folder, a_mail_line())
