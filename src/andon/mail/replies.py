"""A mail's own text, separate from the mails it quotes and from its signature."""

import re
from functools import cache
from typing import Any, NamedTuple

LONGEST = 20_000
"""The most characters that are searched for a quoted mail. The rest is added to the part with the last of them."""

LONGEST_LINE = 2000
"""The longest line of a text that is searched by patterns: no mail program writes a longer one; its search is slow."""

LANGUAGES = ["en", "de", "fr", "it", "es", "nl", "pl"]

_QUOTED_LINE = re.compile(r"^\s*>")
_DASHES = re.compile(r"^-- ?$", re.MULTILINE)


class Split(NamedTuple):
    """The three parts of a text."""

    text: str
    quoted: str
    signature: str


def split(text: str) -> Split:
    """Split a text. Nothing is lost: whatever is neither quote nor signature is its own text."""
    head, rest = text[:LONGEST], text[LONGEST:]
    own, quoted = _without_quoted_lines(head)
    own, signature = _without_signature(own)
    if not any(len(line) > LONGEST_LINE for line in own.split("\n")):
        own, signature, more = _by_patterns(own, signature)
        quoted = "\n".join(part for part in (more, quoted) if part)
    if rest:
        own, quoted = (own, f"{quoted}\n{rest}") if quoted else (f"{own}{rest}", quoted)
    if not own.strip():  # everything was quoted: the text of a forwarded mail is its own
        own, quoted = quoted, ""
    return Split(own.strip(), quoted.strip(), signature.strip())


def _without_quoted_lines(text: str) -> tuple[str, str]:
    """Remove lines that begin with `>`."""
    own: list[str] = []
    quoted: list[str] = []
    for line in text.split("\n"):
        (quoted if _QUOTED_LINE.match(line) else own).append(line)
    return "\n".join(own), "\n".join(quoted)


def _without_signature(text: str) -> tuple[str, str]:
    """Remove everything after a line of two dashes and a space (RFC 3676)."""
    found = _DASHES.search(text)
    return (text, "") if found is None else (text[: found.start()], text[found.end() :])


class _AtLines:
    """Finds a pattern whose alternatives all begin at the start of a line, or with the end of the previous line.

    The library tries its pattern at each character, which takes three quarters of the time to split a mail.
    """

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def findall(self, text: str) -> list[tuple[str, ...]]:
        """Return the groups of each match, as `re.Pattern.findall` does."""
        found: list[tuple[str, ...]] = []
        at = 0
        while at >= 0:
            match = self._pattern.match(text, at)
            if match is not None:
                found.append(match.groups(default=""))
            at = _next_edge(text, match.end() if match is not None and match.end() > at else at + 1)
        return found


def _next_edge(text: str, at: int) -> int:
    """Return the next start or end of a line from here on; -1 if there is none."""
    return at if 0 < at <= len(text) and text[at - 1] == "\n" else text.find("\n", at)


class _Nothing:
    """Finds nothing: disclaimers belong to a mail's text."""

    def findall(self, _: str) -> list[str]:
        """Return an empty list."""
        return []


@cache
def _patterns() -> tuple[Any, Any]:
    """Return the replacements of the library's patterns for headers and disclaimers."""
    from mailparser_reply.parser import EmailMessage  # the extra mail

    return _AtLines(EmailMessage(text="", languages=list(LANGUAGES)).HEADER_REGEX), _Nothing()


def _by_patterns(text: str, signature: str) -> tuple[str, str, str]:
    """Remove mails that follow a line such as `On Monday Zoe wrote:`, and closing words, in seven languages."""
    from mailparser_reply.parser import EmailMessage  # the extra mail

    headers, nothing = _patterns()
    replies = (
        EmailMessage(
            text=text,
            languages=list(LANGUAGES),
            keep_hyphen_lists=True,
            _header_regex=headers,
            _disclaimers_regex=nothing,
        )
        .read()
        .replies
    )
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
