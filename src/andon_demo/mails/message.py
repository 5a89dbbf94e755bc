"""A mail as bytes of RFC 5322: plain or HTML, in several encodings, with attachments and references."""

import html
import random
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from andon_demo.mails.domain import Customer
from andon_demo.mails.wording import Wording

BANK = "support@harbour.example"
ATTACHED, HTML = 0.15, 0.3

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")


def message_bytes(
    wording: Wording,
    sender: Customer,
    message_id: str,
    sent_at: datetime,
    references: Sequence[str],
    rng: random.Random,
) -> bytes:
    """Write a mail. All randomness comes from `rng`, so the same call gives the same bytes."""
    message = EmailMessage(policy=SMTP)
    message["From"] = f'"{sender.name}" <{sender.address}>'
    message["To"] = BANK
    message["Subject"] = wording.subject
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = message_id
    if references:
        message["In-Reply-To"] = references[-1]
        message["References"] = " ".join(references)
    _add_text(message, wording, rng)
    if rng.random() < ATTACHED:
        name, kind, content = rng.choice((("form.pdf", "pdf", PDF), ("photo.png", "png", PNG)))
        main = "application" if kind == "pdf" else "image"
        message.add_attachment(content, maintype=main, subtype=kind, filename=name)
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{rng.getrandbits(64):016x}_{number}")
    return message.as_bytes()


def _add_text(message: EmailMessage, wording: Wording, rng: random.Random) -> None:
    latin = rng.random() < 0.15 and _fits(wording.body)
    charset, encoding = ("iso-8859-1", "quoted-printable") if latin else ("utf-8", rng.choice(_ENCODINGS))
    message.set_content(f"{wording.body}\n", charset=charset, cte=encoding)
    if wording.hidden or rng.random() < HTML:
        message.add_alternative(_as_html(wording), subtype="html", charset="utf-8", cte="quoted-printable")


_ENCODINGS = ("quoted-printable", "base64", "8bit")


def _as_html(wording: Wording) -> str:
    shown = "".join(f"<p>{html.escape(part)}</p>" for part in (wording.text, wording.signature) if part)
    quoted = f"<blockquote>{html.escape(wording.quoted)}</blockquote>" if wording.quoted else ""
    hidden = f'<div style="display:none">{html.escape(wording.hidden)}</div>' if wording.hidden else ""
    return f"<html><body>{shown}{hidden}{quoted}</body></html>\n"


def _fits(text: str) -> bool:
    try:
        text.encode("iso-8859-1")
    except UnicodeEncodeError:
        return False
    return True
