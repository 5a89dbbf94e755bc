"""The text of a mail: the parts that hold it, and HTML as plain text. Markup is read, never rendered or fetched."""

import re
from collections import Counter
from collections.abc import Mapping
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple

from andon.mail.headers import clean, decoded
from andon.mail.limits import MailLimits

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
"""Tags without content, which need no end tag."""

_HIDDEN = ("script", "style", "head", "title", "template", "noscript")
_BLOCKS = ("p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote", "pre", "hr")
_QUOTES = ("gmail_quote", "gmail_quote_container", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote")
_DEEPEST_QUOTE = 5
_SPACES = re.compile(r"[ \t\xa0\u200b\u200c\ufeff]+")
_LINES = re.compile(r"\n{3,}")
_COMMENT_END = re.compile("--!?>")


def text_of(part: EmailMessage, limits: MailLimits) -> tuple[str, bool]:
    """Return the text of one text part, and whether it was cut."""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    is_html = part.get_content_subtype() == "html"
    room = limits.max_text * (8 if is_html else 4)  # UTF-8 takes at most four bytes per character
    charset = part.get_content_charset()
    text = clean(decoded(data[:room], charset if isinstance(charset, str) else None))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cut = len(data) > room
    if is_html:
        text, short = html_to_text(text, limits.max_tags)
        cut = cut or short
    return text[: limits.max_text].strip(), cut or len(text) > limits.max_text


def html_to_text(html: str, most: int) -> tuple[str, bool]:
    """Return the text of HTML up to its first `most` tags, and whether there were more; quotes begin with `> `."""
    shortened = _first_tags(html, most)
    markup, end, rest = shortened.rpartition(">")
    reader = _HtmlText()
    reader.feed(markup + end)
    reader.close()
    # No tag ends in the rest. The parser would search all of it for the end of each tag that begins there.
    reader.handle_data(unescape(rest.partition("<!--")[0]))
    text = "\n".join(line.strip() for line in reader.lines)
    return _LINES.sub("\n\n", text).strip(), len(shortened) < len(html)


class _OpenTag(NamedTuple):
    """A tag that is not closed yet: the depth of quotes of the text after it, and whether it hides its content."""

    name: str
    quoted: int
    hidden: bool


class _HtmlText(HTMLParser):
    """Collects lines of text from HTML without building a tree. An end tag closes everything opened since its start.

    Broken comments and declarations end as the HTML standard says. The library would search for the end of each again.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self._open: list[_OpenTag] = []
        self._counts: Counter[str] = Counter()
        self._quoted = self._hidden = 0

    def parse_comment(self, i: int, report: bool = True) -> int:  # noqa: ARG002
        """Return the end of the comment at `i`; one that is not closed reaches to the end."""
        found = _COMMENT_END.search(self.rawdata, i + 2)
        return len(self.rawdata) if found is None else found.end()

    def parse_marked_section(self, i: int, report: bool = True) -> int:  # noqa: ARG002
        """Return the end of the `<![...>` at `i`, which is a comment; -1 if it is not closed."""
        return self.rawdata.find(">", i) + 1 or -1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a line, a quote or a hidden part."""
        if self._hidden == 0:
            if tag == "br":
                self.lines.append("> " * self._quoted)
            elif tag in _BLOCKS:
                self._break()
        if tag in _VOID:
            return
        named = dict(attrs)
        hidden = tag in _HIDDEN or _is_hidden(named)
        self._open.append(_OpenTag(tag, self._quoted, hidden))
        self._counts[tag] += 1
        self._hidden += hidden
        if self._hidden == 0 and _is_quote(tag, named) and self._quoted < _DEEPEST_QUOTE:
            self._quoted += 1
            self.lines.append("> " * self._quoted)

    def handle_endtag(self, tag: str) -> None:
        """Close a tag with everything open inside it; a tag that is not open closes nothing."""
        while self._counts[tag]:
            closed = self._open.pop()
            self._counts[closed.name] -= 1
            self._hidden -= closed.hidden
            self._quoted = closed.quoted
            if self._hidden == 0 and closed.name in _BLOCKS:
                self._break()
            if closed.name == tag:
                return

    def handle_data(self, data: str) -> None:
        """Add text to the current line."""
        if self._hidden == 0:
            self.lines[-1] += _SPACES.sub(" ", data.replace("\n", " "))

    def _break(self) -> None:
        if self.lines[-1].strip("> "):
            self.lines.append("> " * self._quoted)


def _first_tags(html: str, most: int) -> str:
    at = -1
    for _ in range(most):
        at = html.find("<", at + 1)
        if at < 0:
            return html
    return html[:at]


def _is_quote(tag: str, attributes: Mapping[str, str | None]) -> bool:
    return tag == "blockquote" or any(one in _QUOTES for one in (attributes.get("class") or "").split())


def _is_hidden(attributes: Mapping[str, str | None]) -> bool:
    style = (attributes.get("style") or "")[:1000].replace(" ", "").lower()
    return "display:none" in style or "visibility:hidden" in style
