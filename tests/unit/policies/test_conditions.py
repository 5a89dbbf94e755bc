"""Conditions are checked when a policy is compiled: each fault at its line and column, in a builder's words."""

import pytest

from andon import policies
from andon.policies import CompiledPolicy, PolicyInvalid, ValueKind

from .tables import SCREENING, VARIABLES, compiled, facts, one_rule

COLUMN = one_rule("")[: one_rule("").index('""}')].rsplit("\n", 1)[1].__len__() + 2
"""Where a condition of `one_rule` begins in its line, counted from one."""


def faults(text: str) -> list[str]:
    with pytest.raises(PolicyInvalid) as caught:
        compiled(text)
    return [f"{fault.where} {fault.message}" for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("condition", "offset", "said"),
    [
        ("input.amnt > 1.0", 0, "unknown name `input.amnt`; did you mean `input.amount`?"),
        ("true && amount > 1.0", 8, "unknown name `amount`; did you mean `input.amount`?"),
        ("inputs.amount > 1.0", 0, "unknown name `inputs.amount`; did you mean `input.amount`?"),
        ("input.zzz == 1", 0, "unknown name `input.zzz`; there is input.amount, input.country, input.tip, input.note,"),
        ("zzz == 1", 0, "unknown name `zzz`; values are under input, features, prediction, risk and lists"),
        ("input.country in lists.sanktioned", 17, "unknown name `lists.sanktioned`; did you mean `lists.sanctioned`?"),
        (
            "prediction > 0.5",
            0,
            "`prediction` is not a value by itself; name a value in it, such as `prediction.score`",
        ),
        ("today() > 1", 0, "unknown function `today`"),
        ("input.country.shout() == 'X'", 14, "unknown function `shout`"),
        ("True", 0, "unknown name `True`; write `true`"),
        ("input.trusted and true", 14, "`and` is not CEL; write `&&`"),
        ("not input.trusted", 4, "`input` was not expected here"),
        ("input.amount = 1", 13, "`=` is not CEL; write `==`"),
        ("(input.amount > 1", 17, "the condition ends too early"),
        ("input.amount > 1 1", 17, "`1` was not expected here"),
        ("input.amount", 0, "a condition must be true or false; this is a number"),
        ("'yes'", 0, "a condition must be true or false; this is a string"),
        ("input.amount > 'a'", 13, "`>` cannot be applied to (number, string)"),
        ("input.booked_at > '2026-01-01'", 16, "`>` cannot be applied to (time, string)"),
        ("input.amount % 2 == 0", 13, "`%` cannot be applied to (number, whole number); it takes whole numbers"),
        ("input.amount > size(input.country)", 13, "write a whole number as 1.0, and double(...) around a value like"),
        ("size(input.country) + 1 < input.amount", 20, "write a whole number as 1.0, and double(...) around a value"),
        ("input.amount * 2 > 1 && input.amount * 2 > 'a'", 41, "`>` cannot be applied to (number, string)"),
        ("input.amount == null", 13, "`==` cannot be applied to (number, null)"),
        ("has(input.tip)", 4, "write `input.tip != null` instead of has(...)"),
        ("input.country.matches('(')", 22, "invalid regular expression: missing ): ("),
        ("!input.country in lists.sanctioned", 0, "`!` cannot be applied to (string)"),
        ("(" * 40 + "true" + ")" * 40, 0, "nested too deeply; split it into two rules"),
        ("true" + " " * 4000, 0, "4,004 characters; a condition has at most 4,000"),
    ],
)
def test_a_condition_that_cannot_work_is_told_where_and_why(condition: str, offset: int, said: str) -> None:
    first = faults(one_rule(condition))[0]
    assert first.startswith(f"policy.yaml:4:{COLUMN + offset} rule `only`: ")
    assert said in first


def test_the_faults_of_all_rules_are_told_at_once_at_their_own_lines() -> None:
    text = """outcomes: [pause, review]
rules:
  - id: folded
    then: pause
    when: >
      input.amount > 1 &&
      input.amnt > 2
  - id: literal
    then: pause
    when: |
      // the device must be known
      input.device == null ||
        input.contry == 'DE'
  - {id: quoted, then: pause, when: 'input.country == ''DE'' && input.cuntry == ''FR'''}
otherwise: review
"""
    assert faults(text) == [
        "policy.yaml:7:7 rule `folded`: unknown name `input.amnt`; did you mean `input.amount`?",
        "policy.yaml:13:9 rule `literal`: unknown name `input.contry`; did you mean `input.country`?",
        (
            f"policy.yaml:14:{text.splitlines()[13].index('input.cuntry') + 1} rule `quoted`: unknown name "
            "`input.cuntry`; did you mean `input.country`?"
        ),
    ]


def outcome(condition: str, **values: object) -> str:
    """`only` when the condition holds, `otherwise`, or the error."""
    ruling = compiled(one_rule(condition)).evaluate(*facts(values))
    return ruling.error or ruling.rule


@pytest.mark.parametrize(
    "condition",
    [
        "input.amount > 1",
        "1 < input.amount",
        "input.amount == 50",
        "input.amount != 49 && input.amount >= 50 && 50 <= input.amount",
        "input.amount > -1",
        "-1 < input.amount",
        "input.amount * 2 > 99",
        "100 / input.amount == 2",
        "input.amount - 10 * 2 == 30",
        "input.amount in [10, 50, -3]",
        "input.tip == null || input.tip > 1",
        "prediction.probabilities['fraud'] < 1",
        "prediction.probabilities.fraud < 1",
        "input.amount > 1 ? true : false",
        "(input.amount) > 1",
        "input.amount > 1 // input.amount > 1",
    ],
)
def test_a_whole_number_may_be_written_where_a_number_is_meant(condition: str) -> None:
    assert outcome(condition) == "only"


@pytest.mark.parametrize(
    "condition",
    [
        "'input.amount > 1' == 'input.amount > ' + '1' && input.amount > 1",
        "size(input.country) > 1 && input.amount > 1",
        "input.country.size() == 2",
        "[7, 8, 9][1] == 8 && input.amount > 1",
        "'1 < 2'.matches('^1 < [0-9]{1}$') && input.amount > 1",
        "input.amount > 1 && \"it is \\\" 1\" != r\"\\1\" && '''a' 1''' != \"\"",
    ],
)
def test_whole_numbers_in_strings_indices_and_sizes_stay_as_they_are(condition: str) -> None:
    assert outcome(condition) == "only"


def test_a_division_of_whole_numbers_next_to_a_number_is_one_of_numbers() -> None:
    assert outcome("input.amount > 7 / 2", amount=3.2) == "otherwise"
    assert outcome("input.amount > 7 / 2", amount=3.6) == "only"


@pytest.mark.parametrize(
    ("condition", "country", "holds"),
    [
        ("input.country in lists.sanctioned", "RU", True),
        ("input.country in lists.sanctioned", "DE", False),
        ("!(input.country in lists.sanctioned)", "DE", True),
        ("input.trusted || input.country in lists.sanctioned && input.amount > 1", "BY", True),
        ("(input.country in lists.sanctioned) == true", "RU", True),
        ("input.country in lists.sanctioned == true", "RU", True),
        ("lists.sanctioned.exists(c, c == input.country)", "RU", True),
        ("lists.sanctioned[0] == input.country", "RU", True),
        ("input.note in lists.sanctioned", "RU", False),
        ("['RU'].exists(c, c in lists.sanctioned)", "DE", True),
    ],
)
def test_membership_in_a_list_of_the_table(condition: str, country: str, holds: bool) -> None:
    assert outcome(condition, country=country) == ("only" if holds else "otherwise")


def test_without_an_automation_grammar_and_the_known_names_are_checked() -> None:
    policies.check(policies.parse(SCREENING, source="p.yaml"))
    with pytest.raises(PolicyInvalid) as caught:
        policies.check(policies.parse(one_rule("input.anything > 1 && prediction.scroe > 0.5"), source="p.yaml"))
    assert [fault.message for fault in caught.value.faults] == [
        "rule `only`: unknown name `prediction.scroe`; did you mean `prediction.score`?"
    ]


def test_a_policy_says_which_variables_it_reads() -> None:
    policy: CompiledPolicy = compiled(SCREENING)
    assert policy.reads == (
        "features.amount_count_10m", "input.amount", "input.country", "prediction.score", "risk.certain",
    )  # fmt: skip


def test_a_field_that_has_the_name_of_a_cel_word_needs_another_name() -> None:
    variables = {**VARIABLES, "input.in": ValueKind.NUMBER}
    assert compiled(SCREENING, variables).table.version
