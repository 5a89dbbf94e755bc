"""The page "Decide on text" says what holds."""

import re
from pathlib import Path
from typing import Any

from andon.decisions import Contract
from andon.models import MOST_TEXTS
from andon.models.text_models import MOST_PARTS, MOST_WORDS
from andon.rehearsals.edge_strategies import LONGEST
from andon.scaffold.text_trial import MOST_ROWS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to" / "decide-on-text.md").read_text(encoding="utf-8")


def test_its_contract_reads_a_mail() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)
    assert Contract(names["MyTriageInput"]).read(b'{"body": "My card is lost"}')["body"] == "My card is lost"


def test_its_bounds_are_those_of_the_code() -> None:
    for what, bound in (
        ("rows that `fit_text` learns from", MOST_TEXTS),
        ("words and pairs of words of a column", MOST_WORDS),
        ("parts of words of a column", MOST_PARTS),
    ):
        assert f"| {what} | {bound:,}" in PAGE
    assert f"trial on up to\n{MOST_ROWS:,} rows" in PAGE
    assert f"up to {LONGEST:,} characters" in PAGE


def test_its_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#:]+)", PAGE):
        assert (DOCS / "how-to" / link).exists(), link
