"""The mails that specialists have filed, as rows to learn from. A bank reads its archive here; this is simulated."""

from collections.abc import Iterator
from typing import Any

from andon.mail import parse
from andon_demo.mails import Mails

from contract import read_mail
from signals import orders_a_machine

SEED = 1


def filed(count: int) -> Iterator[tuple[dict[str, Any], str]]:
    """Return filed mails, the oldest first, each with its team. They are read as the line reads them."""
    for mail in Mails(SEED).take(count):
        row = read_mail(parse(mail.raw).data("INBOX", 0))
        if not orders_a_machine(row):  # the policy shows those to a person, whatever the model predicts
            yield row, mail.truth.team
