"""Mails that are made to break whoever reads them. Run as a program, it reads one by name within limits of its own.

It prints what became of the mail, and the largest amount of memory that was in use, in MiB.
"""

import base64
import io
import json
import os
import resource
import sys
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

HEAD = b"From: zoe@customers.test\r\nSubject: Card\r\nMessage-ID: <bomb@customers.test>\r\nMIME-Version: 1.0\r\n"
MEBIBYTE = 2**20


def nested(depth: int) -> bytes:
    """Return multiparts inside multiparts."""
    opening = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (number, number) for number in range(depth)
    )
    return HEAD + opening + b"Content-Type: text/plain\r\n\r\nHello\r\n" * 1


def nested_mails(depth: int) -> bytes:
    """Return mails inside mails."""
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: inner\r\n\r\nHello\r\n"


def parts(number: int) -> bytes:
    """Return many empty parts."""
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * number + b"--b--\r\n"


def attached(content: bytes, name: str = "file.bin", media_type: str = "application/octet-stream") -> bytes:
    """Return a mail with one attachment."""
    coded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\n"
        + f"Content-Type: {media_type}\r\nContent-Disposition: attachment; filename={name}\r\n".encode()
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + coded
        + b"--b--\r\n"
    )


def zip_bomb() -> bytes:
    """Return an archive of 1 GiB of zeros in 1 MiB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as file:
        for _ in range(1024):
            file.write(bytes(MEBIBYTE))
    return packed.getvalue()


def recipients(number: int) -> bytes:
    """Return a mail to many."""
    to = b",\r\n ".join(b'"Person %d" <p%d@customers.test>' % (one, one) for one in range(number))
    return HEAD + b"To: " + to + b"\r\n\r\nHello\r\n"


def html(text: bytes) -> bytes:
    """Return a mail in HTML."""
    return HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + text + b"\r\n"


def plain(text: bytes) -> bytes:
    """Return a mail in plain text."""
    return HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text + b"\r\n"


BOMBS: Mapping[str, Callable[[], bytes]] = {
    "deep": lambda: nested(100_000),
    "deep mails": lambda: nested_mails(100_000),
    "many parts": lambda: parts(1_000_000),
    "many headers": lambda: HEAD + b"X-A: b\r\n" * 1_000_000 + b"\r\nHello\r\n",
    "long header": lambda: HEAD + b"X-A: " + b"b" * 30 * MEBIBYTE + b"\r\n\r\nHello\r\n",
    "many lines": lambda: plain(b"\r\n" * 15_000_000),
    "large": lambda: attached(os.urandom(22 * MEBIBYTE)),
    "zip": lambda: attached(zip_bomb(), "bomb.zip", "application/zip"),
    "recipients": lambda: recipients(5000),
    "many recipients": lambda: recipients(200_000),
    "tags": lambda: html(b"<b>" * 5_000_000),
    "deep tags": lambda: html(b"<div>" * 1_000_000 + b"Hello"),
    "attributes": lambda: html(b"<a " + b"x=y " * 4_000_000 + b">Hello"),
    "comment": lambda: html(b"<!--" * 4_000_000),
    "open comments": lambda: html(b"<!--x>" * 9990 + b"-" * 730_000),
    "entities": lambda: html(b"&" * 8_000_000),
    "long text": lambda: plain(b"Hello " * 3_000_000),
    "quotes": lambda: plain(b">" * 8_000_000),
    "quoted lines": lambda: plain(b"> a\r\n" * 500_000),
    "dashes": lambda: plain(b"-" * 8_000_000),
    "underscores": lambda: plain(b"_" * 8_000_000),
    "wrote": lambda: plain(b"On Monday " * 1900 + b"\r\n" + b"On Mon, 1 Dec 2025 at 10:00 Bob\r\n" * 500_000),
    "from lines": lambda: plain(b"From: a\r\nSent: b\r\nTo: c\r\n" * 300_000),
    "spaces": lambda: plain(b" \r\n" * 300_000 + b"Best regards"),
    "mail words": lambda: plain(b"This e-mail mail mail mail " * 1000),
    "many words": lambda: plain((b"a " * 900 + b"\r\n") * 5000),
    "sent from": lambda: plain(b"Sent from my " + b"a " * 10_000 + b"!\r\n"),
    "encoded words": lambda: HEAD + b"X: y\r\nSubject: " + b"=?utf-8?q?=41?= " * 10_000 + b"\r\n\r\nHello",
    "references": lambda: HEAD + b"References: " + b"<a@b> " * 40_000 + b"\r\n\r\nHello",
    "comments": lambda: HEAD + b"To: " + b"(" * 60_000 + b"\r\n\r\nHello",
    "quoted names": lambda: HEAD + b"To: " + b'"' * 60_001 + b"\r\n\r\nHello",
    "parameters": lambda: HEAD + b"Content-Type: text/plain" + b"; a*0*=b" * 20_000 + b"\r\n\r\nHello",
    "type comments": lambda: HEAD + b"Content-Type: " + b"(" * 100_000 + b"text/plain\r\n\r\nHello",
    "disposition": lambda: HEAD + b"Content-Disposition: attachment; filename=" + b'"' * 100_000 + b"\r\n\r\nHello",
    "date": lambda: HEAD + b"Date: " + b"1 " * 60_000 + b"\r\n\r\nHello",
    "broken base64": lambda: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"!!!a" * 1_000_000,
    "uuencoded": lambda: HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n" + b"M" * 1_000_000,
    "unknown charset": lambda: HEAD + b"Content-Type: text/plain; charset=no-such\r\n\r\nGr\xfc\xdfe \xff\xfe",
    "hostile charset": lambda: HEAD + b"Content-Type: text/plain; charset=zip\r\n\r\nHello",
    "idna charset": lambda: HEAD + b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a" * 300_000,
}


def summary_of(mail: Any) -> dict[str, Any]:
    """Return how much an event of a mail holds."""
    return {
        "text": len(mail.text) + len(mail.quoted) + len(mail.signature),
        "to": len(mail.to),
        "recipients": mail.recipients,
        "attachments": [len(one.content) for one in mail.attachments],
    }


if __name__ == "__main__":
    from time import process_time

    from andon.mail import MailUnreadable, parse

    found: dict[str, Any] = {}
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]) * MEBIBYTE,) * 2)
    for name in sys.argv[2:] or BOMBS:
        raw, began = BOMBS[name](), process_time()
        try:
            found[name] = summary_of(parse(raw))
        except MailUnreadable as error:
            cause = error.__cause__
            assert cause is None or isinstance(cause, RecursionError), repr(cause)[:200]
            found[name] = {"refused": str(error)}
        found[name]["seconds"] = round(process_time() - began, 2)
        found[name]["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(json.dumps(found))
