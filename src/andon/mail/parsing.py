"""Parsing of a mail's bytes into the data of its event, in memory that grows only with the number of bytes.

The parser of the standard library reads any bytes. Too many parts or header lines, or parts nested too deep, are
refused while it reads. Attachments are kept as they are. Archives are never unpacked.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from email import policy
from email.feedparser import BytesFeedParser
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from functools import lru_cache, partial
from typing import Any

from andon.kernel.errors import Fault
from andon.mail import headers
from andon.mail.bodies import text_of
from andon.mail.domain import Mail, MailAddress, MailAttachment
from andon.mail.errors import MailUnreadable
from andon.mail.limits import MailLimits
from andon.mail.replies import split

_PARSED = HeaderRegistry()
_MIME_HEADERS_KEPT = 256


def _header(name: str, value: str) -> Any:
    """Return a parsed header. The parser asks for the MIME headers of a part several times, so those are kept."""
    return _mime_header(name, value) if name.lower().startswith("content-") else _PARSED(name, value)


@lru_cache(_MIME_HEADERS_KEPT)
def _mime_header(name: str, value: str) -> Any:
    return _PARSED(name, value)


_POLICY = policy.default.clone(max_line_length=None, header_factory=_header)
_NAME = re.compile(r"[^\w .,()+@=\-]")
_LONGEST_NAME = 200
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_LONGEST_MIME = 2000
"""The most characters of a header that tells how to read a part."""

_UNBOUNDED = 2**31

MOST_LINES = 1_500_000
"""The most lines of a mail: 40 MB of Base64 have 550,000."""


def parse(raw: bytes, limits: MailLimits | None = None) -> Mail:
    """Read a mail. Raises MailUnreadable, which names what exceeds a limit or cannot be read."""
    limits = limits or MailLimits()
    message = _tree(raw, limits)
    try:
        return _mail(message, limits)
    except Exception as error:
        raise MailUnreadable(f"The mail cannot be read ({type(error).__name__})") from error


def _mail(message: EmailMessage, limits: MailLimits) -> Mail:
    named = _named(message)
    recipients, number = headers.addresses([*named.get("to", ()), *named.get("cc", ())], limits.max_recipients)
    senders, _ = headers.addresses(named.get("from", named.get("sender", ()))[:1], 1)
    body, attachments = _bodies(message)
    whole, cut = _text(body, limits)
    parts = split(whole)
    return Mail(
        identity=headers.identity_of(named),
        message_id=headers.message_id(_first(named, "message-id")),
        thread=headers.ids([*named.get("references", ()), *named.get("in-reply-to", ())]),
        sender=senders[0] if senders else MailAddress("", ""),
        to=recipients,
        recipients=number,
        subject=headers.plain(_first(named, "subject")),
        text=parts.text,
        quoted=parts.quoted,
        signature=parts.signature,
        language=headers.plain(_first(named, "content-language"))[:35].lower() or None,
        sent_at=headers.moment(_first(named, "date")),
        headers=headers.kept(named),
        attachments=attachments,
        cut=cut,
    )


def identity(raw: bytes, limits: MailLimits | None = None) -> tuple[str, str]:
    """Return the identity and the message id of a mail, from its header alone. Raises MailUnreadable."""
    found = _END_OF_HEADER.search(raw)
    named = _named(_tree(raw if found is None else raw[: found.end()], limits or MailLimits()))
    return headers.identity_of(named), headers.message_id(_first(named, "message-id"))


class _BoundedParser(BytesFeedParser):
    """The standard parser, which refuses an excess part, or one nested too deep, as soon as it begins."""

    def __init__(self, limits: MailLimits) -> None:
        self._limits = limits
        self._parts = 0
        super().__init__(self._part, policy=_POLICY)

    def _part(self, **options: Any) -> EmailMessage:
        self._parts += 1
        if self._parts > self._limits.max_parts:
            raise _beyond("parts", f"more than {self._limits.max_parts} MIME parts", "max_parts")
        return EmailMessage(**options)

    def _new_message(self) -> None:
        """Begin a message inside the one being read."""
        if len(self._msgstack) > self._limits.max_depth:  # type: ignore[attr-defined]
            raise _beyond("parts", f"MIME parts nested deeper than {self._limits.max_depth}", "max_depth")
        super()._new_message()  # type: ignore[misc]

    def _parse_headers(self, lines: list[str]) -> None:
        """Read the header of one part."""
        if len(lines) > self._limits.max_headers:
            raise _beyond("headers", f"more than {self._limits.max_headers} header lines", "max_headers")
        if sum(map(len, lines)) > self._limits.max_header_bytes:
            raise _beyond("headers", f"a header of over {self._limits.max_header_bytes} bytes", "max_header_bytes")
        super()._parse_headers(_shortened(lines))  # type: ignore[misc]


def _shortened(lines: list[str]) -> list[str]:
    """Return header lines with overlong MIME headers cut: reading one takes time quadratic in its length."""
    kept: list[str] = []
    left = _LONGEST_MIME
    for line in lines:
        if line[:1] not in (" ", "\t"):
            left = _LONGEST_MIME if line[:8].lower() in ("content-", "mime-ver") else len(line) + _UNBOUNDED
        if left > 0:
            kept.append(line if len(line) <= left else line[:left] + "\r\n")
        left -= len(line)
    return kept


def _tree(raw: bytes, limits: MailLimits) -> EmailMessage:
    if len(raw) > limits.max_bytes:
        raise _beyond("size", f"{len(raw)} bytes", "max_bytes", limits.max_bytes)
    if raw.count(b"\n") > MOST_LINES:
        raise MailUnreadable(f"The mail has more than {MOST_LINES} lines")
    parser = _BoundedParser(limits)
    try:
        for at in range(0, len(raw), 65536):
            parser.feed(raw[at : at + 65536])
        message = parser.close()
    except MailUnreadable:
        raise
    except Exception as error:
        raise MailUnreadable(f"The mail cannot be parsed ({type(error).__name__})") from error
    assert isinstance(message, EmailMessage)  # noqa: S101 - `_part` makes nothing else
    if not list(message.raw_items()):
        raise MailUnreadable("The mail has no header")
    return message


def _named(message: EmailMessage) -> Mapping[str, Sequence[str]]:
    """Return all headers as they were written, by name in lower case."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in message.raw_items():
        found[name.lower()].append(str(value))
    return found


def _first(named: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(named.get(name, ())), "")


def _bodies(message: EmailMessage) -> tuple[list[EmailMessage], list[MailAttachment]]:
    """Return the parts that are the mail's text, and the attachments."""
    texts: list[EmailMessage] = []
    attachments: list[MailAttachment] = []
    for part in _leaves(message):
        kind = _safely(part.get_content_type, "application/octet-stream")
        is_text = kind in ("text/plain", "text/html") and not _is_attached(part)
        if is_text:
            texts.append(part)
        else:
            attachments.append(_attachment(part, kind))
    plain = [part for part in texts if part.get_content_subtype() == "plain"]
    return plain if any(_payload(part).strip() for part in plain) else texts, attachments


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """Yield the parts that hold no parts; a mail inside the mail counts as one."""
    waiting: list[Any] = [message]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting.extend(reversed(part.get_payload()))
        else:
            yield part


def _text(parts: Sequence[EmailMessage], limits: MailLimits) -> tuple[str, bool]:
    texts: list[str] = []
    room, cut = limits.max_text, False
    for part in parts:
        if room <= 0:
            cut = True
            break
        text, short = _safely(partial(text_of, part, limits), ("", True))
        texts.append(text[:room])
        cut = cut or short or len(text) > room
        room -= len(text)
    return "\n\n".join(text for text in texts if text), cut


def _attachment(part: EmailMessage, kind: str) -> MailAttachment:
    name = _safely(part.get_filename, None)
    name = headers.plain(str(name)) if name else ""
    shown = _NAME.sub("_", name.replace("\\", "/").rpartition("/")[2]).strip(". ")[-_LONGEST_NAME:]
    return MailAttachment(shown or "attachment", kind, _payload(part))


def _payload(part: EmailMessage) -> bytes:
    """Return the decoded content of a part; broken Base64 as far as it can be decoded."""
    if part.is_multipart():  # a mail inside the mail
        inner: bytes = _safely(lambda: part.get_payload(0).as_bytes(), b"")  # type: ignore[union-attr]
        return inner
    payload = _safely(lambda: part.get_payload(decode=True), b"")
    return payload if isinstance(payload, bytes) else b""


def _is_attached(part: EmailMessage) -> bool:
    return bool(_safely(lambda: part.get_content_disposition() == "attachment" or part.get_filename(), False))


def _safely(ask: Callable[[], Any], otherwise: Any) -> Any:
    """Return a property from a part's header, or `otherwise` if the header is so broken that the parser raises."""
    try:
        return ask()
    except Exception:  # noqa: BLE001 - the edge to a parser that is given what anybody sends
        return otherwise


def _beyond(what: str, found: str, limit: str, most: int | None = None) -> MailUnreadable:
    allowed = "" if most is None else f"; at most {most} are read"
    message = f"The mail has {found}{allowed} ({limit})"
    return MailUnreadable(message, faults=[Fault(what, message)])
