"""What a table shows is what there is, in the narrowest terminal too."""

from io import StringIO

import pytest
from rich.console import Console

from andon.cli.printing import Facts, Plain


def printed(table: Plain, width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("said", ["[/]", "[red]x", "['HIGH_SCORE'] [x]", "a[/b]"])
def test_text_is_shown_as_it_is_and_not_taken_for_markup(said: str) -> None:
    table = Plain("what", said, title=said)
    table.add_row("value", said)
    assert printed(table, 80).count(said) == 3


def test_what_is_longer_than_its_column_goes_on_below() -> None:
    table, facts = Plain("model", "version", "reason"), Facts()
    table.add_row("transfer-screening", "12", "trained-again-on-the-newest-quarter")
    facts.add_row("digest", "0123456789" * 6)
    for shown in (printed(table, 30), printed(facts, 30)):
        assert "…" not in shown
    assert "".join(char for char in printed(facts, 30) if char.isdigit()) == "0123456789" * 6


def test_an_id_is_whole_and_the_other_columns_make_room_for_it() -> None:
    table = Plain("procedure", "name", "state", "waits for", "started", by_id=True)
    table.add_row("01a22b3e-04e6-7887-88b0-040fe891a7bb", "pause-transfer", "waiting", "", "2026-11-30 06:56:50 UTC")
    shown = printed(table, 80)
    assert "│ 01a22b3e-04e6-7887-88b0-040fe891a7bb │" in shown
    assert {line[-1] for line in shown.splitlines()} <= set("┓┩│┘┃")
    assert all(word in shown for word in ("2026", "06:56", "UTC"))


def test_facts_have_no_heading() -> None:
    facts = Facts(title="one")
    facts.add_row("a", "b")
    assert printed(facts, 30).split() == ["one", "┌───┬───┐", "│", "a", "│", "b", "│", "└───┴───┘"]
