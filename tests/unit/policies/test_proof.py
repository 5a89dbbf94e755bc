"""Rules that act on a prediction without the risk gate are named, unless they say that they are unproven."""

import pytest

from andon.policies import PolicyInvalid, parse, rules_alone, rules_before_gate, unproven_rules


def named(rule: str) -> list[str]:
    table = parse(f"outcomes: [release, review]\nrules:\n  - {{{rule}}}\notherwise: review\n", source="p.yaml")
    return [fault.where for fault in unproven_rules(table)]


@pytest.mark.parametrize(
    "rule",
    [
        "id: safe, when: 'prediction.score < 0.1', then: release",
        "id: sure, when: 'input.amount < 5.0 && prediction.confidence > 0.9', then: release",
        "id: likely, when: 'prediction.probabilities[\"ok\"] > 0.9', then: release, unproven: false",
        "id: gate, when: 'risk.threshold < 1.0 && prediction.score < 0.1', then: release",
    ],
)
def test_a_rule_that_acts_on_a_prediction_alone_is_named(rule: str) -> None:
    assert named(rule) == ["p.yaml:3"]


@pytest.mark.parametrize(
    "rule",
    [
        "id: safe, when: 'risk.certain && prediction.score < 0.1', then: release",
        "id: small, when: 'input.amount < 5.0', then: release",
        "id: odd, when: 'prediction.score > 0.4', then: review",
        "id: safe, when: 'prediction.score < 0.1', then: release, unproven: true",
    ],
)
def test_a_rule_that_is_proven_asks_a_person_or_says_that_it_is_not_proven_is_not_named(rule: str) -> None:
    assert named(rule) == []


def test_rules_before_the_gate_and_those_that_ask_no_model_are_told_apart() -> None:
    rules = [
        "{id: young, when: 'input.age < 16.0', then: review}",
        "{id: odd, when: 'prediction.score > 0.4', then: review}",
        "{id: safe, when: 'risk.certain', then: release}",
        "{id: listed, when: 'input.country in lists.known', then: release}",
    ]
    text = "outcomes: [release, review]\nlists: {known: [DE]}\nrules:\n" + "".join(f"  - {one}\n" for one in rules)
    table = parse(text + "otherwise: review\n", source="p.yaml")
    assert rules_before_gate(table) == {"young", "odd"}
    assert rules_alone(table) == {"young", "listed"}
    without = parse(text.replace("risk.certain", "input.sure") + "otherwise: review\n", source="p.yaml")
    assert "otherwise" in rules_before_gate(without)


def test_saying_so_does_not_change_the_version_of_a_policy() -> None:
    rule = "outcomes: [release]\nrules:\n  - {id: a, when: 'true', then: release%s}\notherwise: release\n"
    assert parse(rule % "", source="p").version == parse(rule % ", unproven: true", source="p").version


def test_anything_but_true_or_false_is_refused() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        named("id: a, when: 'true', then: release, unproven: maybe")
    assert "`unproven` must be true or false, got `maybe`" in caught.value.faults[0].message
