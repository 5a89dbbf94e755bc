"""In what two decision tables differ: rules, their order, lists and the rest, and nothing that decides nothing."""

from andon import policies
from andon.policies import DecisionTable
from andon.replays import TableDifference, table_differences

BEFORE = """
outcomes: [release, pause, review]
lists:
  sanctioned: [KP, IR]
rules:
  - {id: sanctioned, when: 'input.country in lists.sanctioned', then: pause, reasons: [SANCTIONED]}
  - {id: safe, when: 'prediction.score < 0.3', then: release, unproven: true}
otherwise: review
"""


def table(text: str) -> DecisionTable:
    return policies.parse(text, source="test")


def test_comments_and_layout_make_no_difference() -> None:
    assert (
        table_differences(table(BEFORE), table("# new\n" + BEFORE.replace("  - {id: safe", "\n  - {id:   safe"))) == []
    )


def test_each_difference_names_its_place() -> None:
    after = (
        BEFORE.replace("[KP, IR]", "[KP, SY]")
        .replace("< 0.3", "< 0.1")
        .replace("otherwise: review", "otherwise: pause")
    )
    after = after.replace("  - {id: safe", "  - {id: late, when: 'input.amount > 5.0', then: pause}\n  - {id: safe")
    assert table_differences(table(BEFORE), table(after)) == [
        TableDifference(
            "rule safe", "prediction.score < 0.3 → release unproven", "prediction.score < 0.1 → release unproven"
        ),
        TableDifference("rule late", "", "input.amount > 5.0 → pause"),
        TableDifference("list sanctioned", "IR", "SY"),
        TableDifference("otherwise", "review", "pause"),
    ]


def test_the_first_rule_that_holds_decides_so_their_order_is_a_difference() -> None:
    first, second = BEFORE.splitlines()[6:8] if BEFORE.splitlines()[5].startswith("rules") else BEFORE.splitlines()[5:7]
    swapped = BEFORE.replace(f"{first}\n{second}", f"{second}\n{first}")
    assert table_differences(table(BEFORE), table(swapped)) == [
        TableDifference("order of the rules", "sanctioned, safe", "safe, sanctioned")
    ]
