"""A decision table is read strictly: everything wrong with it is told at once, with its line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon import policies
from andon.policies import PolicyInvalid

from .tables import SCREENING


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        policies.parse(text, source="p.yaml")
    return [f"{fault.where} {fault.message}" for fault in caught.value.faults]


def test_a_table_is_read_as_written() -> None:
    table = policies.parse(SCREENING, source="p.yaml")
    assert table.outcomes == ("release", "pause", "review")
    assert table.otherwise == "review"
    assert table.lists == {"sanctioned": ("RU", "BY", "NO")}
    assert [(rule.id, rule.then, rule.reasons, rule.line) for rule in table.rules][:2] == [
        ("sanctioned", "pause", ("SANCTIONED_COUNTRY",), 7),
        ("risky", "pause", ("HIGH_SCORE", "MODEL"), 8),
    ]
    assert table.warnings == ()


def test_all_faults_are_told_at_once_in_the_order_of_their_lines() -> None:
    found = faults(
        """outcomes: [release, release, "a b"]
lists: [x]
colour: red
rules:
  - {id: a, when: '', then: relase, reasons: [low]}
  - {id: a, when: 'true', then: release, id: b}
  - {when: 'true', then: release}
  - {id: otherwise, when: 'true', then: release}
  - {id: c, then: release, unless: x}
  - just a word
"""
    )
    assert found == [
        "p.yaml:1 `otherwise` is missing; name the outcome for when no rule holds; `review` is the safest",
        "p.yaml:1 an outcome must be a word such as `release`, got `a b`",
        "p.yaml:1 outcome `release` is named twice",
        "p.yaml:2 expected a mapping: lists are name: [value, ...]",
        "p.yaml:3 unknown key `colour`; a table has description, outcomes, lists, rules, otherwise",
        "p.yaml:5 rule `a` has no condition (`when`)",
        "p.yaml:5 rule `a`: `then` is `relase`; expected one of the outcomes release, a b",
        "p.yaml:5 rule `a`: a reason must be a code such as HIGH_SCORE, got `low`",
        "p.yaml:6 key `id` occurs twice",
        "p.yaml:7 a rule needs an `id`, a word such as `sanctioned`",
        "p.yaml:8 a rule cannot have the id `otherwise`: it is reserved for decisions that no rule made",
        "p.yaml:9 rule `c` has no condition (`when`)",
        "p.yaml:9 unknown key `unless`; a rule has id, when, then, reasons, unproven",
        "p.yaml:10 expected a mapping: a rule has id, when, then, reasons, unproven",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "p.yaml:1 empty; a table has description, outcomes, lists, rules, otherwise"),
        ("# nothing\n", "p.yaml:1 empty; a table has description, outcomes, lists, rules, otherwise"),
        ("a: [1", "p.yaml:1:6 not YAML: expected ',' or ']', but got '<stream end>'"),
        ("[" * 3000, "p.yaml nested too deeply for a decision table"),
        ("a: \x00", "p.yaml not YAML: unacceptable character"),
        ("outcomes: [review]\nrules: []\notherwise: review", "p.yaml:2 no rules; a table needs at least one"),
        ("outcomes: []\nrules: []\notherwise: x", "p.yaml:1 no outcomes; name them, such as [release, pause, review]"),
        (
            "outcomes: [release]\nrules: []\notherwise: review",
            "`otherwise` is `review`; expected one of the outcomes release",
        ),
        (
            "outcomes: [review]\nrules:\n- {id: a, when: '// later', then: review}\notherwise: review",
            "p.yaml:3 rule `a` has no",
        ),
        (
            "outcomes: [review]\nrules:\n- {id: a, when: [x], then: review}\notherwise: review",
            "p.yaml:3 expected a single value",
        ),
        ("outcomes: [review]\nrules:\n- &a [*a]\notherwise: review", "p.yaml:3 expected a mapping"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told_as_such(text: str, told: str) -> None:
    assert any(told in fault for fault in faults(text)), faults(text)


def test_a_second_rule_of_the_same_id_names_the_line_of_the_first() -> None:
    text = SCREENING.replace("id: large", "id: risky")
    assert faults(text) == ["p.yaml:9 rule id `risky` is already used by the rule at line 8"]


def test_words_that_yaml_takes_for_booleans_stay_words() -> None:
    table = policies.parse(
        "outcomes: [yes, no]\nlists: {c: [NO, on, 1.0]}\nrules: [{id: y, when: true, then: yes}]\notherwise: no",
        source="p.yaml",
    )
    assert (table.outcomes, table.otherwise, table.lists["c"]) == (("yes", "no"), "no", ("NO", "on", "1.0"))
    assert table.rules[0].when == "true"


def test_an_outcome_that_is_never_chosen_and_a_rule_that_is_never_reached_are_warned_of() -> None:
    text = SCREENING.replace("'input.amount > 10000'", "'true'").replace("pause, review]", "pause, hold, review]")
    assert policies.parse(text, source="p.yaml").warnings == (
        "p.yaml:3: no rule chooses outcome `hold`",
        "p.yaml:10: rule `velocity` is never reached: rule `large` before it always holds",
        "p.yaml:11: rule `safe` is never reached: rule `large` before it always holds",
    )


def version(text: str) -> str:
    return policies.parse(text, source="p.yaml").version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("description: Which transfers are paused.\n", "# a comment\n\n"),
        ("'input.amount > 10000'", "'input.amount  >10000 // large'"),
        ("'input.amount > 10000'", '"input.amount > 10000"'),
        ("[RU, BY, NO]", "\n  - RU\n  - BY\n  - NO\n"),
        ("[release, pause, review]", "[review, pause, release]"),
    ],
)
def test_layout_and_comments_do_not_change_the_version(old: str, new: str) -> None:
    assert old in SCREENING
    assert version(SCREENING.replace(old, new)) == version(SCREENING)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10000", "10001"),
        ("BY, NO", "BY"),
        ("otherwise: review", "otherwise: pause"),
        ("id: safe", "id: sound"),
        ("[LARGE]", "[BIG]"),
        ("then: release}", "then: pause}"),
    ],
)
def test_whatever_could_change_a_decision_or_its_reasons_changes_the_version(old: str, new: str) -> None:
    assert old in SCREENING
    assert version(SCREENING.replace(old, new)) != version(SCREENING)


words = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z")
codes = st.from_regex(r"\A[A-Z][A-Z0-9_]{0,8}\Z")


@st.composite
def written_tables(draw: st.DrawFn) -> dict[str, object]:
    outcomes = draw(st.lists(words, min_size=1, max_size=4, unique=True))
    ids = draw(st.lists(words.filter(lambda w: w not in ("otherwise", "error")), min_size=1, max_size=6, unique=True))
    rules = [
        {
            "id": id_,
            "when": f"input.x > {draw(st.integers(0, 9))}.0",
            "then": draw(st.sampled_from(outcomes)),
            "reasons": draw(st.lists(codes, max_size=2)),
        }
        for id_ in ids
    ]
    lists = draw(st.dictionaries(words, st.lists(st.text(max_size=5), max_size=3), max_size=2))
    return {"outcomes": outcomes, "rules": rules, "otherwise": draw(st.sampled_from(outcomes)), "lists": lists}


@given(written_tables())
def test_a_table_written_out_again_in_another_layout_has_the_same_version(table: dict[str, object]) -> None:
    again = dict(reversed(table.items()))
    tight = policies.parse(json.dumps(table), source="a.yaml")
    assert tight.version == policies.parse(json.dumps(again, indent=4), source="b.yaml").version
    assert len(tight.version) == 12


def test_the_version_of_a_table_stays_what_it_is_for_ever() -> None:
    """Ledgers hold versions: should this fail, recorded decisions would name a policy that nobody finds again."""
    assert version(SCREENING) == "1ccf496444d8"
