"""The pages of the card system, in the style of 2003: frames, tables, fonts, and capital letters."""

from collections.abc import Sequence
from html import escape

from andon_demo.legacy.bank import REASONS, Block

_STYLE = "font-family: Verdana, Arial; font-size: 11px; background: #d4d0c8; margin: 4px"
_INPUT = "border: 2px inset #fff; font: 11px Courier New"


def _page(title: str, body: str) -> str:
    return (
        f"<html><head><title>CARDSYS - {escape(title)}</title></head>"
        f'<body style="{_STYLE}" bgcolor="#d4d0c8">{body}</body></html>'
    )


def _head(title: str) -> str:
    return (
        '<table width="100%" cellpadding="3" cellspacing="0" border="0"><tr bgcolor="#000080">'
        f'<td><font color="#ffffff"><b>{escape(title)}</b></font></td></tr></table><br>'
    )


def frames() -> str:
    """Return the frameset that holds everything."""
    return (
        "<html><head><title>CARDSYS 4.2</title></head>"
        '<frameset cols="160,*" border="1"><frame name="nav" src="/nav"><frame name="main" src="/home">'
        "</frameset></html>"
    )


def navigation() -> str:
    """Return the menu on the left."""
    items = (("/home", "HOME"), ("/block", "BLOCK CARD"), ("/search", "SEARCH BLOCKS"), ("/logout", "LOG OFF"))
    links = "".join(f'<tr><td><a href="{path}" target="main">{name}</a></td></tr>' for path, name in items)
    return _page("Menu", f'<table border="0" cellspacing="6">{links}</table>')


def home() -> str:
    """Return the first page of the main frame."""
    return _page("Home", _head("CARDSYS 4.2 - CENTRAL CARD ADMINISTRATION") + "<p id=welcome>SIGNED ON.</p>")


def login(message: str = "") -> str:
    """Return the login mask."""
    wrong = f'<p><font color="red" id="error">{escape(message)}</font></p>' if message else ""
    return _page(
        "Login",
        _head("CARDSYS 4.2 - SIGN ON")
        + wrong
        + '<form action="/login" method="post"><table border="0">'
        + f'<tr><td>USER</td><td><input id="user" name="user" style="{_INPUT}"></td></tr>'
        + f'<tr><td>PASSWORD</td><td><input id="password" name="password" type="password" style="{_INPUT}"></td></tr>'
        + '<tr><td></td><td><input id="signon" type="submit" value="SIGN ON"></td></tr></table></form>',
    )


def block_mask(message: str = "") -> str:
    """Return the mask that blocks a card. Nothing prevents submitting it twice."""
    wrong = f'<p><font color="red" id="error">{escape(message)}</font></p>' if message else ""
    options = "".join(f'<option value="{reason}">{reason.upper()}</option>' for reason in REASONS)
    return _page(
        "Block card",
        _head("MASK 0815 - BLOCK CARD")
        + wrong
        + '<form action="/block" method="post"><table border="1" cellpadding="2">'
        + f'<tr><td>CARD NUMBER</td><td><input id="card" name="card" size="24" style="{_INPUT}"></td></tr>'
        + f'<tr><td>REASON</td><td><select id="reason" name="reason"><option value="">-</option>{options}</select></td>'
        + f'</tr><tr><td>REFERENCE</td><td><input id="reference" name="reference" size="40" style="{_INPUT}"></td></tr>'
        + '<tr><td colspan="2" align="right"><input id="submit" type="submit" value="  BLOCK  "></td></tr>'
        + "</table></form>",
    )


def blocked(block: Block) -> str:
    """Return the page after a block."""
    return _page(
        "Blocked",
        _head("MASK 0816 - CONFIRMATION")
        + f'<p id="done">CARD BLOCKED.</p><p>BLOCK NUMBER <b id="number">B-{block.number:06d}</b></p>',
    )


def search(reference: str | None, found: Sequence[Block]) -> str:
    """Return the search by reference with its results."""
    form = (
        '<form action="/search" method="get"><table border="0"><tr><td>REFERENCE</td>'
        f'<td><input id="wanted" name="reference" size="40" style="{_INPUT}"></td>'
        '<td><input id="find" type="submit" value="FIND"></td></tr></table></form>'
    )
    if reference is None:
        return _page("Search", _head("MASK 0820 - SEARCH BLOCKS") + form)
    if not found:
        return _page("Search", _head("MASK 0820 - SEARCH BLOCKS") + form + '<p id="none">NO ENTRIES.</p>')
    rows = "".join(
        f'<tr class="entry"><td>B-{one.number:06d}</td><td>{escape(one.card)}</td><td>{escape(one.reason)}</td>'
        f"<td>{escape(one.reference)}</td></tr>"
        for one in found
    )
    table = (
        f'<table border="1" id="found"><tr><th>NO</th><th>CARD</th><th>REASON</th><th>REFERENCE</th></tr>{rows}</table>'
    )
    return _page("Search", _head("MASK 0820 - SEARCH BLOCKS") + form + table)


def error() -> str:
    """Return the page of a random error."""
    return _page("Error", _head("CARDSYS") + "<p>ABEND S0C4 IN MODULE CRDBLK01. CALL THE HELP DESK (4711).</p>")
