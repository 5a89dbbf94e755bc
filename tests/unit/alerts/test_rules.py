"""Rules that pull the cord: the most severe one that an alert meets, of the segment and of the whole line."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon import Automation, CordDrill, CordRule, Monitors, Policy
from andon.alerts import USUAL_RULES
from andon.alerts.rules import pulls_wanted
from andon.authoring import DeclarationInvalid
from andon.cord import LineState
from andon.decisions import declared_cord, describe
from andon.monitors import Level
from automations import POLICY, Payment, an_automation

RULES = st.lists(
    st.builds(
        CordRule,
        st.sampled_from(["drift", "performance"]),
        st.sampled_from(["warning", "critical"]),
        st.sampled_from(["supervised", "stopped"]),
        st.booleans(),
    ),
    max_size=6,
)
SEGMENTS = st.sampled_from([{}, {"country": "AT"}])


@given(RULES, st.sampled_from(["drift", "performance", "latency"]), st.sampled_from(Level), SEGMENTS)
def test_an_alert_pulls_what_the_most_severe_rule_says_and_nothing_that_no_rule_says(
    rules: list[CordRule], monitor: str, level: Level, segment: dict[str, str]
) -> None:
    wanted = pulls_wanted(rules, monitor, level, segment)
    met = [r for r in rules if r.monitor == monitor and (r.level == "warning" or level is Level.CRITICAL)]
    for whole in (True, False):
        mine = [r for r in met if (not (r.segment and segment)) is whole]
        pulls = [one for one in wanted if (one.segment == {}) is whole]
        assert len(pulls) == (1 if mine else 0)
        if mine:
            stopped = any(r.state == "stopped" for r in mine)
            assert pulls[0].state is (LineState.STOPPED if stopped else LineState.SUPERVISED)


def test_without_a_declaration_only_proven_errors_pull_the_cord() -> None:
    assert [one.state for one in pulls_wanted(USUAL_RULES, "performance", Level.CRITICAL, {})] == ["supervised"]
    assert pulls_wanted(USUAL_RULES, "performance", Level.WARNING, {}) == ()
    for monitor in ("drift", "gate", "calibration"):
        assert pulls_wanted(USUAL_RULES, monitor, Level.CRITICAL, {}) == ()


def declaring(**cord: object) -> Automation:
    return Automation(
        "payments",
        contract=Payment,
        model="fraud-risk",
        policy=Policy.yaml(POLICY),
        **cord,  # type: ignore[arg-type]
    )


def test_a_rule_about_something_that_raises_no_alert_is_refused() -> None:
    with pytest.raises(DeclarationInvalid, match=r"monitor must be one of drift, .*expectations, got 'drfit'"):
        CordRule("drfit")


def test_a_rule_is_reachable_where_its_monitor_is_declared_critical() -> None:
    assert declaring(cord=[CordRule("drift")], monitors=Monitors(levels={"drift": "critical"})).cord


def test_a_version_keeps_what_is_declared_and_only_that() -> None:
    described = describe(an_automation())
    assert not {"cord", "checklist", "drill_seconds"} & described.keys()
    assert declared_cord(described).rules is None
    rule, drill = CordRule("drift", "warning", "stopped", segment=False), CordDrill(every=timedelta(days=30))
    kept = declared_cord(describe(declaring(cord=[rule], checklist=[" cause found "], drill=drill)))
    assert (kept.rules, kept.checklist, kept.drill) == ((rule,), ("cause found",), drill)
    assert declared_cord(describe(declaring(cord=[]))).rules == ()


@pytest.mark.parametrize(
    ("cord", "words"),
    [
        ({"cord": ["drift"]}, "each of cord must be a CordRule"),
        ({"cord": [CordRule("drift", "critical")]}, "would never pull: use level='warning', or declare"),
        ({"cord": [CordRule("deliveries", "critical")]}, "would never pull: use level='warning'"),
        (
            {"cord": [CordRule("errors")], "monitors": Monitors(levels={"errors": "warning"})},
            "alerts of errors are warnings",
        ),
        ({"checklist": ["a", "A "]}, "twice in the checklist"),
        ({"checklist": [" "]}, "an item of the checklist"),
        ({"drill": 30}, "drill must be a CordDrill"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(cord: dict[str, object], words: str) -> None:
    with pytest.raises(DeclarationInvalid, match=words):
        declaring(**cord)


@pytest.mark.parametrize("given", [("",), ("drift", "fatal"), ("drift", "critical", "automatic")])
def test_a_rule_names_what_there_is(given: tuple[str, ...]) -> None:
    with pytest.raises(DeclarationInvalid, match="CordRule"):
        CordRule(*given)  # type: ignore[arg-type]
