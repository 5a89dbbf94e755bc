"""Headers as readable text, whatever their bytes: encoded words, addresses, ids and dates. Nothing here raises."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256

from andon.mail.domain import MailAddress

KEPT = (
    "auto-submitted",
    "list-id",
    "list-unsubscribe",
    "precedence",
    "return-path",
    "reply-to",
    "x-auto-response-suppress",
    "x-priority",
    "importance",
    "content-language",
    "x-spam-flag",
    "x-spam-status",
    "authentication-results",
)
"""The headers that an event holds, in addition to those with their own field."""

LONGEST = 998
"""The most characters of a header in an event; RFC 5322 allows no longer line."""

LONGEST_ADDRESSES = 32 * 1024
"""The characters of a header in which addresses are read; beyond them they are only counted."""

MOST_REFERENCES = 50

_ID = re.compile(r"<([^<>\s]{1,998})>")
_BARE_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,64}@[^\s<>,;:\"()\[\]]{1,255}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(text: str) -> str:
    """Return a text without the characters that JSON or PostgreSQL cannot store."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def decoded(data: bytes, charset: str | None) -> str:
    """Decode bytes by their charset if that works, else by the likeliest one."""
    for name in (charset, "utf-8"):
        try:
            if name:
                return data.decode(name)
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def plain(value: str) -> str:
    """Return a header's text on one line, with its encoded words (RFC 2047) decoded."""
    value = value.encode("ascii", "surrogateescape").decode("utf-8", "replace") if _has_raw_bytes(value) else value
    value = " ".join(value[: 4 * LONGEST].split())
    try:
        parts = decode_header(value) if "=?" in value else [(value, None)]
    except (HeaderParseError, ValueError):  # invalid Base64
        parts = [(value, None)]
    text = "".join(part if isinstance(part, str) else decoded(part, charset) for part, charset in parts)
    return clean(" ".join(text.split()))[:LONGEST]


def addresses(values: Iterable[str], most: int) -> tuple[list[MailAddress], int]:
    """Return up to `most` addresses of these headers, and how many there are."""
    found: list[MailAddress] = []
    counted = 0
    for value in values:
        if len(value) > LONGEST_ADDRESSES:
            counted += value.count("@", LONGEST_ADDRESSES)
            value = value[:LONGEST_ADDRESSES].rpartition(",")[0]
        read = _addresses(value)
        if not read:  # a malformed header is refused as a whole
            read = [("", address) for address in _BARE_ADDRESS.findall(value)]
        counted += len(read)
        found += [MailAddress(plain(name), plain(address)) for name, address in read[: most - len(found)]]
    return found, counted


def _addresses(value: str) -> list[tuple[str, str]]:
    try:
        return [(name, address) for name, address in getaddresses([value]) if "@" in address]
    except (
        RecursionError,
        ValueError,
        IndexError,
        TypeError,
    ):  # nested comments and other input on which the parser fails
        return []


def ids(values: Iterable[str]) -> list[str]:
    """Return the message ids in these headers, each once, without brackets; of many, only the first and the newest."""
    found = list(dict.fromkeys(clean(one) for value in values for one in _ID.findall(value)))
    return found if len(found) <= MOST_REFERENCES else [found[0], *found[1 - MOST_REFERENCES :]]


def message_id(value: str) -> str:
    """Return a mail's own id without brackets; empty if it has none."""
    found = _ID.search(value)
    return clean(found.group(1)) if found else plain(value).strip("<> ")[:LONGEST]


def moment(value: str) -> datetime | None:
    """Return a header's date in UTC; None if it is malformed."""
    try:
        parsed = parsedate_to_datetime(plain(value))
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def kept(named: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the headers that an event holds."""
    return {name: plain(named[name][0]) for name in KEPT if named.get(name)}


def identity_of(named: Mapping[str, Sequence[str]]) -> str:
    """Return a digest of headers that the sender wrote, which is the same for all copies of a mail.

    A message id alone is no identity: with a copied id, somebody's mail could pass for another one.
    """
    first = {name: " ".join("".join(named.get(name, ("",))[:1]).split()) for name in _IDENTIFYING}
    if not first["message-id"]:
        first |= {name: " ".join(" ".join(values).split()) for name, values in named.items()}
    digest = sha256()
    for name in sorted(first):
        digest.update(f"{name}:{first[name]}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


_IDENTIFYING = ("message-id", "date", "from", "subject")


def _has_raw_bytes(value: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in value) and all(
        character < "\x80" or "\udc80" <= character <= "\udcff" for character in value
    )
