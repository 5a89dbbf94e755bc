"""Tables in a terminal: text is not markup and cannot control the terminal, and long text wraps in its column."""

from rich.console import RenderableType
from rich.style import StyleType
from rich.table import Table
from rich.text import Text


class Plain(Table):
    """A table of plain text under these headings. `by_id`: never wrap the first column, which identifies a row."""

    def __init__(self, *headings: str, title: str | None = None, by_id: bool = False) -> None:
        super().__init__(title=None if title is None else Text(title), title_justify="left")
        for number, heading in enumerate(headings):
            self.add_column(Text(heading), overflow="fold", no_wrap=by_id and number == 0)

    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        """Add a row; text is shown as it is."""
        shown = [Text(printable(cell)) if isinstance(cell, str) else cell for cell in cells]
        super().add_row(*shown, style=style, end_section=end_section)


class Facts(Plain):
    """The facts about one thing: a name and a value per row."""

    def __init__(self, title: str | None = None) -> None:
        super().__init__("", "", title=title)
        self.show_header = False


def printable(words: str) -> str:
    """Return a text with unprintable characters escaped, so that it cannot control a terminal."""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in words)
