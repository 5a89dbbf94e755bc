"""A mail's own text, separate from the mails it quotes and from its signature."""

import re
from typing import NamedTuple

LONGEST = 20_000
"""Characters in which a reply is looked for; what follows belongs to whatever the last of them belongs to."""

LONGEST_LINE = 2000
"""A text with a longer line is no reply that a mail program wrote: its patterns would take long on it."""

LANGUAGES = ["en", "de", "fr", "it", "es", "nl", "pl"]

_QUOTED_LINE = re.compile(r"^\s*>")
_DASHES = re.compile(r"^-- ?$", re.MULTILINE)


class Split(NamedTuple):
    """The three parts of a text."""

    text: str
    quoted: str
    signature: str


def split(text: str) -> Split:
    """Split a text. Nothing is lost: what is recognised as neither quote nor signature is its own text."""
    head, rest = text[:LONGEST], text[LONGEST:]
    own, quoted = _without_quoted_lines(head)
    own, signature = _without_signature(own)
    if not any(len(line) > LONGEST_LINE for line in own.split("\n")):
        own, signature, more = _by_patterns(own, signature)
        quoted = "\n".join(part for part in (more, quoted) if part)
    if rest:
        own, quoted = (own, f"{quoted}\n{rest}") if quoted else (f"{own}{rest}", quoted)
    if not own.strip():  # all was quoted: a forwarded mail says what it forwards
        own, quoted = quoted, ""
    return Split(own.strip(), quoted.strip(), signature.strip())


def _without_quoted_lines(text: str) -> tuple[str, str]:
    """Take out lines that begin with `>`."""
    own: list[str] = []
    quoted: list[str] = []
    for line in text.split("\n"):
        (quoted if _QUOTED_LINE.match(line) else own).append(line)
    return "\n".join(own), "\n".join(quoted)


def _without_signature(text: str) -> tuple[str, str]:
    """Take out what follows a line of two dashes and a blank (RFC 3676)."""
    found = _DASHES.search(text)
    return (text, "") if found is None else (text[: found.start()], text[found.end() :])


def _by_patterns(text: str, signature: str) -> tuple[str, str, str]:
    """Take out mails that follow a line such as `On Monday Zoe wrote:`, and closing words, in seven languages."""
    from mailparser_reply.parser import EmailMessage  # the extra mail

    replies = EmailMessage(text=text, languages=list(LANGUAGES), keep_hyphen_lists=True).read().replies
    if not replies:
        return text, signature, ""
    first, others = replies[0], replies[1:]
    if not first.headers and not first.content.strip():
        return text, signature, ""
    quoted = "\n".join(reply.content for reply in others if reply.content.strip())
    own, closing = first.content, (first.signatures or "").strip()
    if closing and own.strip() != closing and (at := own.rfind(closing)) >= 0:
        own, signature = own[:at], "\n".join(part for part in (closing, signature) if part.strip())
    return own, signature, quoted
