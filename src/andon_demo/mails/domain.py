"""The bank's mails as values: teams, what customers want, and the truth about each mail, which the line never sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

TEAM_OF: Final[Mapping[str, str]] = {
    "block-card": "cards",
    "card-declined": "cards",
    "new-card": "cards",
    "card-limit": "cards",
    "missing-transfer": "payments",
    "recall-transfer": "payments",
    "direct-debit": "payments",
    "mortgage": "loans",
    "repay-early": "loans",
    "new-loan": "loans",
    "login": "access",
    "app-device": "access",
    "address": "accounts",
    "certificate": "accounts",
    "close-account": "accounts",
    "fees": "complaints",
    "service": "complaints",
    "advert": "spam",
    "phishing": "spam",
    "custody": "digital-assets",
    "coins": "digital-assets",
}
"""The team for each intent."""

NEW_TEAM: Final = "digital-assets"
"""The team of the new product, for whose mails there is no training data."""

TEAMS: Final = tuple(dict.fromkeys(team for team in TEAM_OF.values() if team != NEW_TEAM))
"""The teams in the history."""

BLOCK: Final = "block-card"
SPAM: Final = "spam"


@dataclass(frozen=True, slots=True)
class MailTruth:
    """The truth about one mail.

    `team` is the team of the first of `intents`. A mail with a visible injection belongs to spam, whatever
    else it asks. A hidden injection is in HTML that mail programs do not show.
    `blocked_card` is the last four digits of the card that the customer wants blocked.
    """

    team: str
    intents: tuple[str, ...]
    language: str
    injection: bool = False
    hidden_injection: bool = False
    blocked_card: str | None = None
    follows: str | None = None
    """The Message-ID of the earlier mail that this one is a reminder of."""


@dataclass(frozen=True, slots=True)
class Customer:
    """The sender of a mail."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class BankMail:
    """One mail as it arrives, as bytes of RFC 5322, with the text that a person would read, and its truth."""

    message_id: str
    sender: Customer
    subject: str
    text: str
    sent_at: datetime
    raw: bytes
    truth: MailTruth
