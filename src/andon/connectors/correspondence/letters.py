"""Replies and forwarded mails, and whether they may be sent. Pure.

`In-Reply-To` and `References` keep the thread. Each mail declares that a program sent it (RFC 3834), and a mail that
declares the same gets no reply: two programs would reply to each other forever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP, compat32
from email.utils import format_datetime, formataddr

from andon.actions import MailUnsendable, is_mail_address
from andon.mail import Mail, MailAddress, MailLimits, is_generated, parse

OURS = "x-andon-automation"
MOST_REFERENCES = 20


@dataclass(frozen=True, slots=True)
class Envelope:
    """The sender, the text and the key of one mail."""

    key: str
    automation: str
    sender: str
    text: str
    subject: str | None
    at: datetime

    @property
    def message_id(self) -> str:
        """The message id, the same for every attempt."""
        return f"{self.key}@{self.sender.rpartition('@')[2]}"


def reply(raw: bytes, envelope: Envelope) -> tuple[EmailMessage, str]:
    """Return the reply to a mail, and its recipient. Raises MailUnsendable, MailUnreadable."""
    mail = parse(raw, MailLimits())
    headers = _headers(raw)
    if OURS in headers:
        raise MailUnsendable("Andon sent the mail: it gets no reply")
    if is_generated({**mail.headers, **headers}):
        raise MailUnsendable(
            "a program or a list sent the mail (Auto-Submitted, Precedence, List-Id): it gets no reply"
        )
    to = _reply_to(mail)
    if to.address.lower() == envelope.sender.lower():
        raise MailUnsendable("the mail is from the sender's own address: it gets no reply")
    letter = _letter(envelope, [formataddr((to.name, to.address), "utf-8")], envelope.subject or _re(mail.subject))
    letter["Auto-Submitted"] = "auto-replied"
    _keep_thread(letter, mail)
    letter.set_content(envelope.text)
    return letter, to.address


def forward(raw: bytes, envelope: Envelope, to: Sequence[str]) -> EmailMessage:
    """Return a mail with the original attached unchanged. Raises MailUnsendable, MailUnreadable."""
    mail = parse(raw, MailLimits())
    if OURS in _headers(raw):
        raise MailUnsendable("Andon sent the mail: it is not forwarded")
    letter = _letter(envelope, to, envelope.subject or f"Fwd: {mail.subject}"[:900])
    letter["Auto-Submitted"] = "auto-generated"
    _keep_thread(letter, mail)
    letter.set_content(envelope.text)
    letter.add_attachment(raw, maintype="application", subtype="octet-stream", filename="original.eml")
    return letter


def _letter(envelope: Envelope, to: Sequence[str], subject: str) -> EmailMessage:
    letter = EmailMessage(policy=SMTP)
    try:
        letter["From"] = envelope.sender
        letter["To"] = ", ".join(to)
        letter["Subject"] = " ".join(subject.split())
        letter["Date"] = format_datetime(envelope.at)
        letter["Message-ID"] = f"<{envelope.message_id}>"
        letter["X-Andon-Automation"] = envelope.automation
        letter["X-Auto-Response-Suppress"] = "All"
    except (ValueError, MessageError) as error:
        raise MailUnsendable(f"no mail can be built from it ({type(error).__name__})") from None
    return letter


def _keep_thread(letter: EmailMessage, mail: Mail) -> None:
    if not mail.message_id or not mail.message_id.isascii():
        return
    thread = [one for one in (*mail.thread, mail.message_id) if one.isascii() and one.isprintable()]
    known = list(dict.fromkeys(thread))
    kept = known if len(known) <= MOST_REFERENCES else [known[0], *known[1 - MOST_REFERENCES :]]
    letter["In-Reply-To"] = f"<{mail.message_id}>"
    letter["References"] = " ".join(f"<{one}>" for one in kept)


def _reply_to(mail: Mail) -> MailAddress:
    """Return the address to reply to. Raises MailUnsendable."""
    wished = mail.headers.get("reply-to", "").rpartition("<")[2].strip("<> ")
    to = MailAddress("", wished) if is_mail_address(wished) else mail.sender
    if not is_mail_address(to.address):
        raise MailUnsendable("the mail names no valid address to reply to")
    if to.address.lower().startswith(("noreply@", "no-reply@", "donotreply@", "mailer-daemon@", "postmaster@")):
        raise MailUnsendable("the mail is from an address that takes no replies")
    return to


def _headers(raw: bytes) -> Mapping[str, str]:
    found = BytesParser(policy=compat32).parsebytes(raw[:262_144], headersonly=True)
    return {name.lower(): str(value) for name, value in found.items()}


def _re(subject: str) -> str:
    return subject if subject[:3].lower() == "re:" else f"Re: {subject}"
