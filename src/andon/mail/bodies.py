"""The text of a mail: the parts that hold it, and HTML as plain text. Markup is read, never rendered or fetched."""

import re
from email.message import EmailMessage

from andon.mail.headers import clean, decoded
from andon.mail.limits import MailLimits

_HIDDEN = ("script", "style", "head", "title", "template", "noscript")
_BLOCKS = ("p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote", "pre", "hr")
_QUOTES = ("gmail_quote", "gmail_quote_container", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote")
_SPACES = re.compile(r"[ \t\xa0\u200b\u200c\ufeff]+")
_LINES = re.compile(r"\n{3,}")


def text_of(part: EmailMessage, limits: MailLimits) -> tuple[str, bool]:
    """Return the text of one text part, and whether it was cut."""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    is_html = part.get_content_subtype() == "html"
    room = limits.max_text * (8 if is_html else 4)  # UTF-8 takes at most four bytes a character
    charset = part.get_content_charset()
    text = clean(decoded(data[:room], charset if isinstance(charset, str) else None))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cut = len(data) > room
    if is_html:
        text, short = html_to_text(text, limits.max_tags)
        cut = cut or short
    return text[: limits.max_text].strip(), cut or len(text) > limits.max_text


def html_to_text(html: str, most: int) -> tuple[str, bool]:
    """Return the text of HTML as far as its first `most` tags, and whether there were more; quotes begin with `> `."""
    from bs4 import BeautifulSoup  # the extra mail
    from bs4.element import Comment, Doctype, NavigableString, Tag

    shortened = _first_tags(html, most)
    soup = BeautifulSoup(shortened, "html.parser")
    lines: list[str] = [""]
    stack: list[tuple[object, bool, int]] = [(child, False, 0) for child in reversed(soup.contents)]
    while stack:
        node, closing, quoted = stack.pop()
        if isinstance(node, Tag):
            if node.name == "br":
                lines.append("> " * quoted)
                continue
            if node.name in _BLOCKS and lines[-1].strip("> ") != "":
                lines.append("> " * quoted)
            if closing or node.name in _HIDDEN or _is_hidden(node):
                continue
            inner = min(quoted + (_is_quote(node)), 5)
            if inner > quoted:
                lines.append("> " * inner)
            stack.append((node, True, quoted))
            stack.extend((child, False, inner) for child in reversed(node.contents))
        elif isinstance(node, NavigableString) and not isinstance(node, Comment | Doctype):
            lines[-1] += _SPACES.sub(" ", str(node).replace("\n", " "))
    text = "\n".join(line.strip() for line in lines)
    return _LINES.sub("\n\n", text).strip(), len(shortened) < len(html)


def _first_tags(html: str, most: int) -> str:
    at = -1
    for _ in range(most):
        at = html.find("<", at + 1)
        if at < 0:
            return html
    return html[:at]


def _is_quote(node: object) -> bool:
    name, classes = getattr(node, "name", ""), getattr(node, "attrs", {}).get("class") or ()
    return name == "blockquote" or any(one in _QUOTES for one in classes)


def _is_hidden(node: object) -> bool:
    style = str(getattr(node, "attrs", {}).get("style") or "")[:1000].replace(" ", "").lower()
    return "display:none" in style or "visibility:hidden" in style
