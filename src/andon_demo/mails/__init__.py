"""Mails of a bank's customers: the same seed gives the same mails, each with its truth.

    for mail in Mails(seed=7).take(500, new_product_from=250):
        mail.raw, mail.truth.team

Mails are made of phrases in four languages (`phrases`), slots and noise: typos, quoted answers, signatures, several
wishes in one mail, attachments, HTML, vague mails, reminders, spam, prompt injections. Their domains are `.example`.
"""

from andon_demo.mails.domain import BLOCK, NEW_TEAM, SPAM, TEAM_OF, TEAMS, BankMail, MailTruth
from andon_demo.mails.generator import Mails

__all__ = ["BLOCK", "NEW_TEAM", "SPAM", "TEAMS", "TEAM_OF", "BankMail", "MailTruth", "Mails"]
