"""The page that explains a decision: words have a column only where the model reads texts."""

import re
from pathlib import Path

import httpx
import pytest
from tests.served import served

from andon import console
from andon.access import KeyRing
from andon.decisions import DecisionRecord, Explanation
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.serving import Contribution
from automations import payment
from calls import DECIDE, call
from lines import ADMIN, CALLER, PEPPER, Installation, install

AMOUNT, WORD = Contribution("amount", None, 0.5), Contribution("note", "urgent", -0.25)


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.mark.parametrize(
    ("contributions", "heads"),
    [([AMOUNT], ["Feature", "Weight"]), ([AMOUNT, WORD], ["Feature", "Word", "Weight"])],
)
def test_words_have_a_column_only_where_there_are_any(
    installation: Installation, contributions: list[Contribution], heads: list[str]
) -> None:
    decision = call(installation, "POST", DECIDE, installation.key("bank", CALLER), json=payment()).json()["id"]

    def explain(record: DecisionRecord) -> Explanation:
        return Explanation(record.row.id, "fraud-risk", 1, "ok", tuple(contributions))

    app = console.create_app(
        Settings(), installation.database, installation.clock, KeyRing(PEPPER), Events(), explain=explain
    )
    token = installation.key("ada", ADMIN)
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}) as visitor:
        visitor.post("/sign-in", data={"key": token, "next": "/"})
        page = visitor.get(f"/decisions/{decision}/explanation").text
    table = page.partition("<thead>")[2].partition("</table>")[0]
    assert re.findall(r"<th[^>]*>(\w+)</th>", table) == heads
    assert table.count("<td") == len(heads) * len(contributions)
