"""Mail triage: each mail goes to the team that can help, or to a person if the model is uncertain."""

from datetime import timedelta

from andon import (
    Automation,
    MaxError,
    Policy,
    Request,
    Review,
    Truth,
    folder_moves,
    imap,
    mail_move,
    run_procedure,
)

from contract import Mail, read_mail
from procedures import block_card
from signals import card_to_block, orders_a_machine

TEAMS = {
    "cards": "Cards",
    "payments": "Payments",
    "loans": "Loans",
    "access": "Access",
    "accounts": "Accounts",
    "complaints": "Complaints",
    "spam": "Spam",
    "digital-assets": "Digital Assets",
}
"""The folder of each team."""

triage = Automation(
    "mail-triage",
    trigger=imap("support", read=read_mail),
    contract=Mail,
    features=[Request("card_to_block", card_to_block), Request("orders_a_machine", orders_a_machine)],
    model="mail-team",
    policy=Policy.file("policies/mail_triage.yaml"),
    actions={
        **{team: mail_move("support", folder=folder) for team, folder in TEAMS.items()},
        "block-card": run_procedure(block_card),
    },
    procedures=[block_card],
    review=Review(queue="mails", due=timedelta(hours=2)),
    risk=MaxError(0.05, confidence=0.95),
    # People move a finished mail to the folder Done of their team: that is its label.
    truth=Truth(
        {**{team: team for team in TEAMS}, "block-card": "cards"},
        reported=folder_moves("support", {f"{folder}/Done": team for team, folder in TEAMS.items()}),
        untrained=["digital-assets"],
    ),
)
